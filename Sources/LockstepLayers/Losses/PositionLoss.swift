import LockstepEngine

/// A loss of every position of sequences, predictions [N, T, …], of which padded positions do not count: the
/// mean is over the positions of all sequences alike, however long each is.
///
/// Classes say by a mark where they do not count; numbers there are any finite ones.
package struct PositionLoss: LossFunction {
  private let loss: any LossFunction
  private let padding: Int32?
  package var name: String { loss.name }

  /// - Parameters:
  ///   - loss: the loss of a position.
  ///   - padding: the class of positions that do not count.
  package init(_ loss: any LossFunction, padding: Int32?) {
    self.loss = loss
    self.padding = padding
  }

  package func targetType(for prediction: TensorType) -> TensorType {
    loss.targetType(for: prediction)
  }

  package func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    let graph = prediction.graph
    guard let sequences = graph.sequences else {
      return loss(prediction, target, weights: weights)
    }
    guard prediction.shape.count > 1, prediction.shape[1] == sequences.positions, weights == nil
    else {
      graph.fail(
        "\(name): each position has a label, so that outputs [N, \(sequences.positions), …] are wanted, got "
          + "\(prediction.shape)")
      return .failed(graph)
    }
    if target.type.scalar == .int32 { return labelled(prediction, target) }
    return numeric(prediction, target, sequences)
  }

  /// Labels say by themselves where they do not count.
  private func labelled(_ prediction: Tensor, _ labels: Tensor) -> LossValue {
    guard let loss = loss as? SoftmaxCrossEntropy, loss.ignoreIndex == nil else {
      prediction.graph.fail(
        loss is SoftmaxCrossEntropy
          ? "softmaxCrossEntropy: 'ignoreIndex' cannot be combined with sequences of different lengths, whose "
            + "padded positions are ignored by themselves; leave it out"
          : "\(name): cannot leave padded positions out; take softmaxCrossEntropy")
      return .failed(prediction.graph)
    }
    return SoftmaxCrossEntropy(
      labelSmoothing: loss.labelSmoothing, ignoreIndex: padding,
      classWeights: loss.classWeights
    )(prediction, labels)
  }

  /// Positions are the loss's examples, of weight 0 where they do not count.
  private func numeric(
    _ prediction: Tensor, _ target: Tensor, _ sequences: SequenceLengths
  ) -> LossValue {
    let mask = sequences.lengths.sequenceMask(positions: sequences.positions).reshaped(to: [-1])
    let width = prediction.shape.dropFirst(2).reduce(1, *)
    let (rows, targets) = (
      prediction.reshaped(to: [-1, width]), target.reshaped(to: [-1, width])
    )
    let counted = mask.sum()
    let value = loss(rows, targets, weights: mask)
    // Metrics know no weights: what does not count is made wrong, and so adds nothing to a count of
    // predictions that are right.
    let padded = ((mask * -1) + 1).reshaped(to: [-1, 1])
    let metrics = loss(
      rows.masked(by: padded, fillingWith: -1), targets.masked(by: padded, fillingWith: 1)
    ).metrics
    return LossValue(
      sum: value.sum, weight: counted * value.weightPerExample,
      metrics: metrics.map {
        LossMetric(name: $0.name, sum: $0.sum, count: counted * $0.countPerExample)
      })
  }
}

extension OutputLosses {
  /// The same losses, of every position of sequences.
  ///
  /// - Parameter padding: the class of positions that do not count.
  package func overPositions(padding: Int32?) -> OutputLosses {
    OutputLosses(
      terms.map {
        Term(
          $0.output, PositionLoss($0.loss, padding: padding), label: $0.label, weight: $0.weight,
          metrics: $0.metrics)
      })
  }
}
