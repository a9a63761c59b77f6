import LockstepEngine

/// A transform that the executor knows more of: what it measures, where it is at work, what it clips.
package protocol InspectedTransform: BoundTransform {
  /// What has to be measured before the first block. A transform that measures starts a new pass
  /// over the arena, unless all it wants is the Euclidean norm of the raw gradient.
  var measures: [Measure] { get }
  /// Whether the transform limits the gradient, and the report speaks of it.
  var isClip: Bool { get }
  /// Whether blocks of this slot change at all in this step; a block of an inactive slot is passed
  /// on untouched.
  func isActive(slot: Int) -> Bool
  /// The norm behind the transform, known without measuring once ``prepare(_:)`` has run, for a
  /// clip that scales; nil where the output has to be measured.
  var clippedNorm: Double? { get }
  /// Whether the limit of a clip follows what it has seen, so that no threshold is to be chosen.
  var followsHistory: Bool { get }
  /// Whether a clip that scales did so in this step.
  var didClip: Bool { get }
  /// What a clip that scales multiplied a slot by in this step; nil where it left it alone.
  func factor(slot: Int) -> Double?
  /// What of its state holds for all tensors together, in words; nil for nothing. An update whose tensors do
  /// not all begin at once cannot have such.
  var sharedState: String? { get }
  /// Whether the transform holds a slot's magnitude to a limit that is always the same, and changes nothing
  /// else of it.
  func limitsMagnitude(slot: Int) -> Bool
}

extension InspectedTransform {
  package var measures: [Measure] { [] }
  package var isClip: Bool { false }
  package func isActive(slot: Int) -> Bool { true }
  package var clippedNorm: Double? { nil }
  package var followsHistory: Bool { false }
  package var didClip: Bool { false }
  package func factor(slot: Int) -> Double? { nil }
  package var sharedState: String? { nil }
  package func limitsMagnitude(slot: Int) -> Bool { false }
}

extension GradientTransform {
  /// The working object as the executor sees it.
  func bindInspected(to context: TransformContext) throws -> any InspectedTransform {
    let bound = try bind(to: context)
    return bound as? any InspectedTransform ?? ForeignTransform(bound)
  }
}

/// A transform of another package: it measures nothing, and every block of every slot passes it.
private final class ForeignTransform: InspectedTransform {
  private let base: any BoundTransform

  init(_ base: any BoundTransform) { self.base = base }

  var state: [StateEntry] { base.state }
  func prepare(_ step: StepContext) { base.prepare(step) }
  func apply(_ block: BlockView) { base.apply(block) }
  func commit() { base.commit() }
}
