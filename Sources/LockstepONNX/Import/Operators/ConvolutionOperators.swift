import LockstepEngine

extension Operators {
  /// Operators with a window that slides over images, or over sequences: images of one row.
  static func convolutions(_ call: OperatorCall) throws(GraphError) -> [ImportedValue]? {
    switch call.node.type {
    case "Conv": return try convolution(call)
    case "ConvTranspose": return try transposedConvolution(call)
    case "MaxPool": return try pooled(call) { $0.maxPooled($1) }
    case "AveragePool":
      let countsPadding = call.integer("count_include_pad", 0) == 1
      return try pooled(call) { $0.averagePooled($1, countsPadding: countsPadding) }
    case "GlobalAveragePool", "GlobalMaxPool":
      let x = try call.batched(0)
      guard x.shape.count > 2 else { throw GraphError("expects images, got \(x.shape)") }
      let axes = Array(2..<x.shape.count)
      let result =
        call.node.type == "GlobalMaxPool"
        ? x.tensor.maximum(axes, keepDimensions: true) : x.tensor.mean(axes, keepDimensions: true)
      return one(result, like: x)
    default: return nil
    }
  }

  private static func convolution(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let (x, weight) = (try call.batched(0), try call.tensor(1))
    let plane = try Plane(x, weight: weight)
    let window = try call.window(of: plane.weight?.shape.suffix(2) ?? [], over: plane.image.shape)
    let result = plane.image.convolved(
      plane.weight ?? weight, try call.has(2) ? call.tensor(2) : nil, window: window,
      groups: call.integer("group", 1))
    return one(plane.restored(result), like: x)
  }

  private static func transposedConvolution(_ call: OperatorCall) throws(GraphError)
    -> [ImportedValue]
  {
    let (x, weight) = (try call.batched(0), try call.tensor(1))
    let plane = try Plane(x, weight: weight)
    guard call.string("auto_pad", "NOTSET") == "NOTSET", call.node["output_shape"] == nil else {
      throw GraphError("its padding follows from a given size; give the padding")
    }
    let window = try call.window(of: plane.weight?.shape.suffix(2) ?? [], over: plane.image.shape)
    let extra = call.pair("output_padding", 0)
    var result = plane.image.transposedConvolved(
      plane.weight ?? weight, window: window, outputPadding: extra,
      groups: call.integer("group", 1))
    if call.has(2) {
      let bias = try call.tensor(2)
      result = result + bias.reshaped(to: [1, -1, 1, 1])
    }
    return one(plane.restored(result), like: x)
  }

  private static func pooled(
    _ call: OperatorCall, _ pool: (Tensor, Window) -> Tensor
  ) throws(GraphError) -> [ImportedValue] {
    guard call.node.outputs.count(where: { !$0.isEmpty }) == 1 else {
      throw GraphError("the places of maxima are wanted, which have no gradient")
    }
    let x = try call.batched(0)
    let plane = try Plane(x, weight: nil)
    guard let kernel = call.integers(attribute: "kernel_shape") else {
      throw GraphError("it has no kernel_shape")
    }
    var window = try call.window(
      of: (kernel.count == 1 ? [1] : []) + kernel, over: plane.image.shape)
    if call.integer("ceil_mode", 0) == 1 { try call.roundUp(&window, over: plane.image.shape) }
    return one(plane.restored(pool(plane.image, window)), like: x)
  }
}

/// An image [N, C, H, W], or a sequence [N, C, L] as an image of one row.
private struct Plane {
  let image: Tensor
  let weight: Tensor?
  let isSequence: Bool

  init(_ x: BatchedTensor, weight: Tensor?) throws(GraphError) {
    guard [3, 4].contains(x.shape.count), weight.map({ $0.shape.count == x.shape.count }) ?? true
    else {
      throw GraphError(
        "expects images [N, C, H, W] or sequences [N, C, L], got \(x.shape)"
          + (weight.map { " and a weight \($0.shape)" } ?? ""))
    }
    let isSequence = x.shape.count == 3
    self.isSequence = isSequence
    func lifted(_ tensor: Tensor) -> Tensor {
      isSequence
        ? tensor.reshaped(to: [tensor.shape[0], tensor.shape[1], 1, tensor.shape[2]]) : tensor
    }
    image = lifted(x.tensor)
    self.weight = weight.map(lifted)
  }

  func restored(_ result: Tensor) -> Tensor {
    guard isSequence, result.shape.count == 4 else { return result }
    return result.reshaped(to: [result.shape[0], result.shape[1], result.shape[3]])
  }
}

extension OperatorCall {
  /// Two numbers of an attribute, of which a sequence has one.
  fileprivate func pair(_ name: String, _ fallback: Int) -> [Int] {
    let given = integers(attribute: name)
    switch given?.count {
    case 1?: return [fallback] + (given ?? [])
    default: return given ?? [fallback, fallback]
    }
  }

  /// The window of a kernel that slides over an image.
  fileprivate func window(
    of kernel: some Sequence<Int>, over shape: [Int]
  ) throws(GraphError) -> Window {
    let kernel = Array(kernel)
    guard kernel.count == 2 else { throw GraphError("a kernel of \(kernel.count) axes") }
    var window = Window(
      kernel: kernel, strides: pair("strides", 1), dilations: pair("dilations", 1))
    guard window.strides.count == 2, window.dilations.count == 2 else {
      throw GraphError("strides and dilations do not fit a kernel of two axes")
    }
    switch string("auto_pad", "NOTSET") {
    case "NOTSET":
      let pads = integers(attribute: "pads") ?? [0, 0, 0, 0]
      switch pads.count {
      case 4: (window.paddingLow, window.paddingHigh) = (Array(pads[..<2]), Array(pads[2...]))
      case 2: (window.paddingLow, window.paddingHigh) = ([0, pads[0]], [0, pads[1]])
      default: throw GraphError("its pads \(pads) do not fit a kernel of two axes")
      }
    case "VALID": break
    case let same:
      for axis in 0..<2 {
        let reach = window.dilations[axis] * (kernel[axis] - 1) + 1
        let stride = max(window.strides[axis], 1)
        let steps = (shape[2 + axis] + stride - 1) / stride
        let total = max((steps - 1) * stride + reach - shape[2 + axis], 0)
        let less = total / 2
        window.paddingLow[axis] = same == "SAME_LOWER" ? total - less : less
        window.paddingHigh[axis] = total - window.paddingLow[axis]
      }
    }
    return window
  }

  /// Pads behind, so that a last part of a window counts, as `ceil_mode` says.
  fileprivate func roundUp(_ window: inout Window, over shape: [Int]) throws(GraphError) {
    for axis in 0..<2 where window.strides[axis] > 0 {
      let room =
        shape[2 + axis] + window.paddingLow[axis] + window.paddingHigh[axis]
        - (window.dilations[axis] * (window.kernel[axis] - 1) + 1)
      let missing = room % window.strides[axis]
      guard missing != 0 else { continue }
      let more = window.strides[axis] - missing
      // A window that would begin in the padding behind is left out.
      let start = (room / window.strides[axis] + 1) * window.strides[axis]
      guard start < shape[2 + axis] + window.paddingLow[axis] else { continue }
      guard node.type == "MaxPool" else {
        throw GraphError("means over parts of windows (ceil_mode) are not computed")
      }
      window.paddingHigh[axis] += more
    }
  }
}
