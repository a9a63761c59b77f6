extension Program {
  /// Throws where examples see each other, so that none has a gradient of its own.
  package func checkExamplesAreSeparate() throws(GraphError) {
    for index in liveNodes() {
      let node = graph.nodes[index]
      guard node.operation is any MixesExamples else { continue }
      throw GraphError(
        "layer '\(node.scope)': \(node.operation.name) takes its mean and variance from all examples of a batch, "
          + "so that no example has a gradient of its own that 'clip' of the type 'perExample' could limit: take "
          + "GroupNorm or LayerNorm in its place, or freeze its statistics ('freezeBatchNorm')")
    }
  }
}

/// An operation whose result for an example depends on the other examples of the batch.
package protocol MixesExamples: Operation {}

extension BatchNormalization: MixesExamples {}
extension SynchronizedNormalization: MixesExamples {}
