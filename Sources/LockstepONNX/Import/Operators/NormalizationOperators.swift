import LockstepEngine

extension Operators {
  /// Normalisations.
  static func normalizations(_ call: OperatorCall) throws(GraphError) -> [ImportedValue]? {
    switch call.node.type {
    case "BatchNormalization": return try batch(call)
    case "LayerNormalization": return try layer(call)
    case "RMSNormalization": return try rootMeanSquare(call)
    case "InstanceNormalization":
      let x = try call.batched(0)
      return try group(call, x, groups: x.shape.count > 1 ? x.shape[1] : 0)
    case "GroupNormalization":
      return try group(call, try call.batched(0), groups: call.integer("num_groups", 0))
    case "Softmax":
      let x = try call.batched(0)
      return one(try alongLast(call, x.tensor) { $0.softmax() }, like: x)
    case "LogSoftmax":
      let x = try call.batched(0)
      return one(try alongLast(call, x.tensor) { $0.logSoftmax() }, like: x)
    default: return nil
    }
  }

  /// Batch normalisation by the statistics of the batch in training, and by running ones otherwise, as
  /// PyTorch's; ONNX's momentum is 1 minus PyTorch's.
  private static func batch(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    let (scale, shift) = (try call.tensor(1), try call.tensor(2))
    let epsilon = call.float("epsilon", 1e-5)
    let momentum = 1 - call.float("momentum", 0.9)
    func statistic(_ input: Int) throws(GraphError) -> Tensor {
      let place = InputPlace(node: call.index, input: input)
      guard let name = call.trace.imported.statisticNames[place] else {
        throw GraphError("its running mean and variance are no constants of the file")
      }
      return try call.trace.statistic(name, momentum: momentum)
    }
    let (mean, variance) = (try statistic(3), try statistic(4))
    let graph = call.graph
    let name = call.trace.imported.statisticNames[InputPlace(node: call.index, input: 3)] ?? ""
    let owner = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? ""
    guard graph.training, !graph.freezing.freezes(batchNorm: owner) else {
      return one(
        x.tensor.normalized(scale, shift, mean: mean, variance: variance, epsilon: epsilon), like: x
      )
    }
    if call.trace.isSynchronized {
      let batch = x.tensor.normalizedOverAllShards(scale, shift, epsilon: epsilon)
      try graph.check()
      graph.observe(mean, batch.mean)
      graph.observe(variance, batch.unbiasedVariance)
      return one(batch.result, like: x)
    }
    let batch = x.tensor.batchNormalized(scale, shift, epsilon: epsilon)
    try graph.check()
    let count = Float(x.tensor.type.count / x.shape[1])
    graph.observe(mean, batch.mean)
    graph.observe(variance, batch.variance, scale: count / (count - 1))
    return one(batch.result, like: x)
  }

  private static func layer(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    let first = try call.axis(call.integer("axis", -1), of: x.shape.count)
    let axes = Array(x.shape[first...])
    let scale = try call.tensor(1).broadcast(to: axes)
    let shift = try call.has(2) ? call.tensor(2).broadcast(to: axes) : call.graph.constant(0, axes)
    guard first > 0 else { throw GraphError("it normalises over the examples") }
    return one(
      x.tensor.layerNormalized(scale, shift, epsilon: call.float("epsilon", 1e-5)), like: x)
  }

  private static func rootMeanSquare(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    let first = try call.axis(call.integer("axis", -1), of: x.shape.count)
    guard first > 0 else { throw GraphError("it normalises over the examples") }
    let scale = try call.tensor(1).broadcast(to: Array(x.shape[first...]))
    return one(x.tensor.rmsNormalized(scale, epsilon: call.float("epsilon", 1e-5)), like: x)
  }

  /// Each group of channels of an example by its own mean and variance, then scaled and shifted by channel.
  private static func group(
    _ call: OperatorCall, _ x: BatchedTensor, groups: Int
  ) throws(GraphError) -> [ImportedValue] {
    guard x.shape.count > 2, groups > 0, x.shape[1] % groups == 0 else {
      throw GraphError("\(groups) groups of channels of \(x.shape)")
    }
    let columns = x.tensor.type.count / (x.shape[0] * groups)
    let graph = call.graph
    let normal = x.tensor.reshaped(to: [x.shape[0], groups, columns]).layerNormalized(
      graph.constant(1, [columns]), graph.constant(0, [columns]),
      epsilon: call.float("epsilon", 1e-5)
    ).reshaped(to: x.shape)
    func perChannel(_ input: Int) throws(GraphError) -> Tensor {
      let values = try call.tensor(input)
      let ones = Array(repeating: 1, count: x.shape.count - 2)
      guard values.shape == [x.shape[1]] else {
        throw GraphError("its scale and shift have the shape \(values.shape), not [\(x.shape[1])]")
      }
      return values.reshaped(to: [1, x.shape[1]] + ones)
    }
    return one(normal * (try perChannel(1)) + (try perChannel(2)), like: x)
  }

  /// A function over the last axis, applied over another one.
  private static func alongLast(
    _ call: OperatorCall, _ x: Tensor, _ function: (Tensor) -> Tensor
  ) throws(GraphError) -> Tensor {
    let rank = x.shape.count
    let axis = try call.axis(
      call.integer("axis", call.trace.operatorSet < 13 ? 1 : -1), of: rank)
    if call.trace.operatorSet < 13, axis < rank - 1 {
      // Older versions flatten from the axis on.
      return function(x.flattened(from: axis)).reshaped(to: x.shape)
    }
    guard axis < rank - 1 else { return function(x) }
    var order = Array(x.shape.indices)
    order.swapAt(axis, rank - 1)
    return function(x.transposed(order)).transposed(order)
  }
}
