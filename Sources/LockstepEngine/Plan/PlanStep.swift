internal import CLockstepKernels
internal import COneDNN

/// What a step's kernels depend on beside memory.
package struct RunContext {
  /// The run's seed, which dropout masks are keyed by.
  package var seed: UInt64
  /// The number of the step, from 0.
  package var step: UInt64
  /// The index of the shard's first example in the global batch.
  package var firstExample: Int
  /// How many of the run's examples count, those in front, where gradients of examples are limited: others have
  /// none.
  package var presentExamples = Int.max
  /// Whether gradients that can be are added to the sum that the lane was given.
  var accumulates = false

  package init(seed: UInt64 = 0, step: UInt64 = 0, firstExample: Int = 0) {
    self.seed = seed
    self.step = step
    self.firstExample = firstExample
  }
}

/// A kernel of our own, with its addresses bound. One that runs code from outside of the package may throw.
typealias Kernel = (RunContext) throws -> Void

/// One step of a schedule, before its addresses are bound.
struct PlanStep {
  enum Action {
    case primitive(Primitive, [(argument: Int32, memory: Memory)])
    /// The second primitive in a run that accumulates, else the first, on the same arguments.
    case accumulating(Primitive, Primitive, [(argument: Int32, memory: Memory)])
    /// Makes the kernel from the addresses of `memories`.
    case kernel([Memory], ([UnsafeMutableRawPointer]) -> Kernel)
  }

  /// The layer and the operation, for profiles.
  let label: String
  let action: Action
  /// What runs: an implementation's name, or `kernel` for one of ours.
  let implementation: String

  init(label: String, action: Action, implementation: String? = nil) {
    self.label = label
    self.action = action
    self.implementation =
      switch action {
      case .primitive(let primitive, _), .accumulating(let primitive, _, _):
        implementation ?? primitive.implementation
      case .kernel: implementation ?? "kernel"
      }
  }

  var memories: [Memory] {
    switch action {
    case .primitive(_, let arguments), .accumulating(_, _, let arguments):
      arguments.map(\.memory)
    case .kernel(let memories, _): memories
    }
  }
  var writesLeaf: Bool {
    memories.contains { $0.buffer.region == .leaf || $0.buffer.region == .sum }
  }
}
