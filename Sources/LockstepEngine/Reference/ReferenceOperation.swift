/// An operation's plain meaning, in Double: the yardstick of its lowering and its reverse rule.
package protocol ReferenceOperation {
  /// The results for the inputs given. Integer tensors are passed as whole Doubles. What the package
  /// does not know, an operation from outside, may fail.
  func evaluate(
    _ inputs: [HostTensor], _ context: ReferenceContext
  ) throws(GraphError) -> [HostTensor]
}

/// The plain meaning of an operation that sees all shards of a batch.
package protocol JointReferenceOperation: ReferenceOperation {
  /// Each shard's results for the inputs of all.
  func evaluate(shards inputs: [[HostTensor]]) -> [[HostTensor]]
}

extension JointReferenceOperation {
  /// The shard is the batch.
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    evaluate(shards: [inputs])[0]
  }
}

/// What an evaluation depends on beside its inputs.
package struct ReferenceContext: Sendable {
  /// The key of all dropout masks.
  package var seed: UInt64
  package var step: UInt64
  /// The index of the first example in the global batch.
  package var firstExample: Int

  package init(seed: UInt64 = 0, step: UInt64 = 0, firstExample: Int = 0) {
    self.seed = seed
    self.step = step
    self.firstExample = firstExample
  }
}
