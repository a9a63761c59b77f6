import LockstepCatalog
import LockstepEngine

/// Limits the singular values of each matrix of the gradient; vectors and scalars pass.
package struct SpectralClip: GradientTransform, Equatable {
  /// τ, the largest singular value.
  package let limit: Double
  /// Patterns of the names it is for; none: all.
  package let scope: [String]

  /// Makes a clip of the matrices in scope.
  package init(_ limit: Double, scope: [String] = []) {
    self.limit = limit
    self.scope = scope
  }

  package func validate() throws {
    try HyperparameterRange.positive.check("spectral clip", "limit", limit)
  }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    let scope = try ClipScope(scope, of: context.layout, owner: "spectral clip")
    let chosen = zip(scope.chosen, context.layout.slots).map { $0 && $1.matrixRows > 0 }
    guard chosen.contains(true) else {
      throw HyperparameterError(
        owner: "spectral clip", key: "scope", value: "\(self.scope)",
        problem: "has no matrix in it; there are "
          + NameGlob.list(context.layout.slots.map { "\($0.name) \($0.shape)" }))
    }
    return Bound(self, context, chosen)
  }

  private final class Bound: MatrixTransform {
    private let slots: [FlatLayout.Slot]
    private let chosen: [Bool]
    private let cap: SingularValueCap
    private let kernels: Kernels
    /// The norm of each block before.
    private var before: [Double]
    let owner = "spectral clip"
    let measures: [Measure] = [.update(.two)]
    var isClip: Bool { true }

    init(_ rule: SpectralClip, _ context: TransformContext, _ chosen: [Bool]) {
      self.chosen = chosen
      slots = context.layout.slots
      kernels = context.kernels
      cap = SingularValueCap(limit: rule.limit, context.kernels)
      before = context.blocks.map { _ in 0 }
    }

    func operations(slot: Int) -> Double? {
      guard chosen[slot] else { return nil }
      return SingularValueCap.operations(
        rows: slots[slot].matrixRows, columns: slots[slot].matrixColumns)
    }

    func ignoresMagnitude(slot: Int) -> Bool { false }
    func isActive(slot: Int) -> Bool { chosen[slot] }

    func prepare(_ step: StepContext) {
      for block in before.indices {
        before[block] = step.measurements.norm(.update(.two), blocks: block..<block + 1)
      }
    }

    func transform(
      slot: Int, _ update: UnsafeMutablePointer<Float>, parameters: UnsafePointer<Float>,
      number: Int
    ) {
      cap.apply(update, rows: slots[slot].matrixRows, columns: slots[slot].matrixColumns)
    }

    /// Counts what the matrix's owner has changed.
    func apply(_ block: BlockView) {
      let after = kernels.sumOfSquares(block.input, block.count).squareRoot()
      if after != before[block.index] { block.changed.pointee += Double(block.count) }
      if block.input != UnsafePointer(block.output) {
        block.output.update(from: block.input, count: block.count)
      }
    }
  }
}

extension SpectralClip {
  static let entry = Entry<any GradientTransform>(
    "spectral", "limits the singular values of every matrix",
    [.required("limit", .positive, "the largest singular value"), .scope]
  ) { values in SpectralClip(values["limit"], scope: values["scope"]) }
}

extension GradientTransform where Self == Provided {
  /// Limits the singular values of each matrix (leading dimension × all the rest); vectors and scalars pass.
  ///
  /// G = U min(S, τ) Vᵀ of G = U S Vᵀ, within 10⁻⁴ of τ. A direction that one batch stretches is shortened and
  /// all others stay, where a clip of the norm would shorten all of them. Costs about twenty-five
  /// Newton–Schulz steps a matrix.
  ///
  /// - Parameters:
  ///   - limit: τ.
  ///   - scope: patterns of the names it is for; none: all.
  public static func clipSingularValues(
    _ limit: Double, scope: [String] = []
  ) -> some GradientTransform {
    SpectralClip(limit, scope: scope)
  }
}
