internal import CLockstepKernels
import LockstepEngine
import LockstepOptimization

/// A penalty that a configuration puts on parameters by name or by kind of layer.
package struct RegularizerRule: Sendable, Equatable {
  /// What it is put on.
  package let target: ParameterTarget
  /// The penalty on each of these parameters: l1 Σ|w| + l2 Σw².
  package let penalty: WeightRegularizer

  /// Makes a rule that puts a penalty on a target.
  package init(_ target: ParameterTarget, _ penalty: WeightRegularizer) {
    self.target = target
    self.penalty = penalty
  }
}

/// Penalties on the trainable parameters as the step adds them: l1 Σ|w| + l2 Σw².
///
/// A block's penalty is a sum in Double over fixed lanes, and the step adds the blocks' in order,
/// so that its bits depend on no rank. Frozen parameters add nothing to gradient or loss.
package final class Regularizer: GradientRegularizer {
  private let blocks: [Block]
  /// Each slot's penalty.
  private let penalties: [WeightRegularizer?]
  private let regularize:
    @convention(c) (
      UnsafeMutablePointer<Float>, UnsafePointer<Float>, Double, Double, Int
    ) -> Double

  /// Resolves rules for the trainable parameters.
  ///
  /// - Parameters:
  ///   - rules: in the configuration's order.
  ///   - specifications: the model's parameters, frozen ones included.
  ///   - layout: the trainable parameters.
  ///   - instructionSet: where the kernels run.
  /// - Throws: ``HyperparameterError`` where a rule is about no trainable parameter, two rules are
  ///   about one, or a number makes no sense.
  package init(
    _ rules: [RegularizerRule], specifications: [ParameterSpecification], layout: FlatLayout,
    instructionSet: InstructionSet = .current
  ) throws {
    for rule in rules { try rule.penalty.validate(owner: "regularizer on \(rule.target)") }
    let assigned = try ParameterTarget.assign(
      rules.map(\.target), owner: "regularizer", layout: layout, specifications: specifications)
    penalties = assigned.map { $0.map { rules[$0].penalty } }
    blocks = layout.blocks()
    let set = lockstep_isa(rawValue: instructionSet.rawValue)
    regularize = lockstep_update_kernels_for(set).pointee.regularize
  }

  package func add(
    block: Int, to gradient: UnsafeMutableBufferPointer<Float>,
    parameters: UnsafeBufferPointer<Float>
  ) -> Double {
    let place = blocks[block]
    guard let penalty = penalties[place.slot] else { return 0 }
    let values = UnsafeMutableBufferPointer(rebasing: gradient[place.range])
    let weights = UnsafeBufferPointer(rebasing: parameters[place.range])
    // Blocks hold at least one value, so that both have an address.
    return regularize(
      values.baseAddress!, weights.baseAddress!, penalty.l1, penalty.l2, place.count)
  }
}
