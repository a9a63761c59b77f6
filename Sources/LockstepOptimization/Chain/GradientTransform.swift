import LockstepEngine

/// One link of a ``Chain``: a rule that turns the update vector, at first the gradient, into the
/// next one.
///
/// A transform is a value that holds hyperparameters alone. ``bind(to:)`` makes the object that
/// holds its state for one layout of tensors. Constraints are another type (`WeightConstraint`):
/// they act on parameters after the update, and so cannot be put into a chain.
public protocol GradientTransform: Sendable {
  /// Throws a ``HyperparameterError`` where a hyperparameter is out of range.
  func validate() throws

  /// The learning-rate schedules that the transform follows.
  var schedules: [Schedule] { get }

  /// Whether the result is the same for any multiple of the update, value by value. A clip right before
  /// such a transform would change nothing, and is refused.
  var ignoresMagnitude: Bool { get }

  /// Makes the working object, with its state at its initial values.
  ///
  /// - Throws: ``HyperparameterError`` where the transform does not fit the layout.
  func bind(to context: TransformContext) throws -> any BoundTransform
}

extension GradientTransform {
  public var schedules: [Schedule] { [] }
  public var ignoresMagnitude: Bool { false }
}

/// A transform at work on one layout.
///
/// In every step the executor calls ``prepare(_:)`` once, then ``apply(_:)`` once for each block that
/// this process updates, in any order, then ``commit()`` once. Only `apply` and `commit` change state.
public protocol BoundTransform: AnyObject {
  /// What a checkpoint must hold; addresses never change. None by default.
  var state: [StateEntry] { get }
  /// Makes this step's scalars. Does nothing by default.
  func prepare(_ step: StepContext)
  /// Transforms one block: `block.map` writes the update behind the transform.
  func apply(_ block: BlockView)
  /// Takes over scalars of state that move once a step. Does nothing by default.
  func commit()
}

extension BoundTransform {
  public var state: [StateEntry] { [] }
  public func prepare(_ step: StepContext) {}
  public func commit() {}
}

/// What a transform is bound to.
public struct TransformContext {
  /// The layout of parameters, gradients and all state arenas.
  public let layout: FlatLayout
  /// The blocks of ``layout``.
  package let blocks: [Block]
  /// The blocks of each slot.
  package let slotBlocks: [Range<Int>]
  /// The learning-rate factor of each slot.
  package let learningRateFactors: [Double]
  /// The weight-decay factor of each slot.
  package let weightDecayFactors: [Double]
  /// The indices of the state that this process keeps, where every rank updates blocks of its own;
  /// nil where it keeps all.
  package let held: Range<Int>?
  let kernels: Kernels
  /// What several transforms of a chain share.
  let companions = Companions()

  /// A state arena in the layout, filled with a value (padding stays zero). It has the values at
  /// `held` alone, where its `base` leads to as if it had all.
  public func makeArena(filledWith value: Float = 0) -> Arena<Float> {
    let arena = Arena<Float>(indices: held ?? 0..<layout.count)
    if value != 0 {
      for slot in layout.slots {
        for index in slot.range.clamped(to: arena.indices) { arena.base[index] = value }
      }
    }
    return arena
  }

  /// The state entry of an arena.
  public func entry(_ name: String, _ arena: Arena<Float>) -> StateEntry {
    StateEntry(name, .arena(arena.buffer, layout), holding: held)
  }
}

/// Objects that several transforms of one chain at work share, by name.
final class Companions {
  private var objects: [String: AnyObject] = [:]

  /// The object of a name, made by who asks for it first.
  func object<Object: AnyObject>(_ name: String, _ make: () -> Object) -> Object {
    if let known = objects[name] as? Object { return known }
    let made = make()
    objects[name] = made
    return made
  }
}

/// The scalars of one step.
public struct StepContext {
  /// The run's step, counted from 0; learning rates follow it.
  public let step: Int
  /// The number of this update, counted from 1 and not moved by skipped steps; bias corrections
  /// follow it.
  public let update: Int
  /// What the transform asked to have measured.
  package let measurements: Measurements
  /// What reductions on a plateau have made of the learning rate so far.
  let rateScale: Double
  /// What all learning rates are multiplied by.
  let rateFactor: Double

  /// The learning rate of the step.
  public func rate(of schedule: Schedule) -> Double {
    schedule.value(at: step, reducedBy: rateScale) * rateFactor
  }
}

/// One block in the hands of a transform.
public struct BlockView {
  /// The index of the block.
  package let index: Int
  /// The index of the slot.
  public let slot: Int
  /// The index of the first value in the arenas.
  public let offset: Int
  /// The number of values.
  public let count: Int
  /// The update vector before the transform.
  @usableFromInline package let input: UnsafePointer<Float>
  /// The update vector behind it.
  @usableFromInline package let output: UnsafeMutablePointer<Float>
  /// The parameters before this step.
  @usableFromInline package let parameters: UnsafePointer<Float>
  /// How many values clips have changed in this block.
  package let changed: UnsafeMutablePointer<Double>
}
