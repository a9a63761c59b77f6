// Which operations treat examples by themselves. All others are taken to do anything.

// Value by value, or row by row.
extension Activation: RowwiseOperation {}
extension ActivationGradient: RowwiseOperation {}
extension Power: RowwiseOperation {}
extension Sinusoid: RowwiseOperation {}
extension PairExtremum: RowwiseOperation {}
extension PairExtremumShare: RowwiseOperation {}
extension Extremum: RowwiseOperation {}
extension ExtremumShare: RowwiseOperation {}
extension Dropout: RowwiseOperation {}
extension Softmax: RowwiseOperation {}
extension LogSoftmax: RowwiseOperation {}
extension LabelWeights: RowwiseOperation {}
extension SequenceMask: RowwiseOperation {}
extension SinusoidalPositions: RowwiseOperation {}
extension Rotary: RowwiseOperation {}
extension Pooling: RowwiseOperation {}
extension PoolingGradient: RowwiseOperation {}
extension AdaptivePooling: RowwiseOperation {}
extension AdaptivePoolingGradient: RowwiseOperation {}
extension Attention: RowwiseOperation {}
extension AttentionGradient: RowwiseOperation {}
extension RecurrenceHistory: RowwiseOperation {}
extension SummedLossGradient: RowwiseOperation {
  package func isShared(_ input: Int) -> Bool { input == 0 }
}
extension Broadcast: RowwiseOperation {}
extension Binary: RowwiseOperation {}
extension Masked: RowwiseOperation {
  /// A mask of the last axes alone has no rows of examples.
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] {
    let isWhole = inputs[1].type.shape.count == inputs[0].type.shape.count
    return [inputs[1].kind == .shared || isWhole ? .rows : .unknown]
  }
}

// With weights that all share.
extension LinearMap: RowwiseOperation {
  package func isShared(_ input: Int) -> Bool { input > 0 }
}
extension LinearInputGradient: RowwiseOperation {
  package func isShared(_ input: Int) -> Bool { input > 0 }
}
extension Convolution: RowwiseOperation {
  package func isShared(_ input: Int) -> Bool { input > 0 }
}
extension ConvolutionInputGradient: RowwiseOperation {
  package func isShared(_ input: Int) -> Bool { input > 0 }
}
extension TransposedConvolution: RowwiseOperation {
  package func isShared(_ input: Int) -> Bool { input > 0 }
}
extension FixedNormalization: RowwiseOperation {
  package func isShared(_ input: Int) -> Bool { input > 0 }
}
extension RowNormalization: RowwiseOperation {
  package func isShared(_ input: Int) -> Bool { input > 0 }
}
extension GatherRows: RowwiseOperation {
  package func isShared(_ input: Int) -> Bool { input == 0 }
}
extension Recurrence: RowwiseOperation {
  package func isShared(_ input: Int) -> Bool { input == 1 || input == 2 }
}
extension RecurrenceGradient: RowwiseOperation {
  package func isShared(_ input: Int) -> Bool { input == 0 }
}

// Along axes, of which the first is that of examples.
extension Transpose: RowwiseOperation {
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] { [permutation.first == 0 ? .rows : .mixed] }
}
extension Concatenate: RowwiseOperation {
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] { [axis > 0 ? .rows : .mixed] }
}
extension Slice: RowwiseOperation {
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] { [axis > 0 ? .rows : .mixed] }
}
extension SliceSum: RowwiseOperation {
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] { [slices.allSatisfy { $0.axis > 0 } ? .rows : .mixed] }
}
extension Reshape: RowwiseOperation {
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] {
    // Values keep their order, and so examples stay side by side.
    [(results[0].shape.first ?? 0) % examples == 0 && !results[0].shape.isEmpty ? .rows : .mixed]
  }
}

// Sums over examples.
extension SummedLoss: RowwiseOperation {
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] { [.total] }
}
extension CorrectCount: RowwiseOperation {
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] { [.total] }
}
extension TopCount: RowwiseOperation {
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] { [.total] }
}
extension LabelWeightSum: RowwiseOperation {
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] { [.total] }
}
