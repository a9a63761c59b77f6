internal import CLockstepKernels

/// Means over as many windows of [N, C, H, W] as the result has rows and columns, of sizes as equal as can be:
/// window i of n begins at ⌊i H / n⌋ and ends before ⌈(i + 1) H / n⌉, as PyTorch's.
package struct AdaptivePooling: Operation {
  /// Rows and columns of the result.
  package let size: [Int]
  package var name: String { "adaptive average pooling" }
  package var precisionRole: PrecisionRole { .neutral }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let x = inputs[0].shape
    try expect(
      x.count == 4 && size.count == 2 && size.allSatisfy { $0 > 0 },
      "expects an input [N, C, H, W] and two positive sizes, got \(x) and \(size)")
    return [TensorType([x[0], x[1]] + size)]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0]?.apply(AdaptivePoolingGradient(inputShape: call.inputs[0].shape))]
  }

  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0]?.apply(self)]
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let x = inputs[0]
    var y = HostTensor(Array(x.shape[..<2]) + size)
    forEachPair(of: x.shape, pooledTo: size) { place, pooled, count in
      y.values[pooled] += x.values[place] / count
    }
    return [y]
  }
}

/// The transpose of an adaptive average pooling.
package struct AdaptivePoolingGradient: Operation {
  package let inputShape: [Int]
  package var name: String { "gradient of adaptive average pooling" }
  package var precisionRole: PrecisionRole { .neutral }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    [TensorType(inputShape)]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0]?.apply(AdaptivePooling(size: Array(call.inputs[0].shape[2...])))]
  }

  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0]?.apply(self)]
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let dy = inputs[0]
    var dx = HostTensor(inputShape)
    forEachPair(of: inputShape, pooledTo: Array(dy.shape[2...])) { place, pooled, count in
      dx.values[place] += dy.values[pooled] / count
    }
    return [dx]
  }
}

/// Every value of a window, as its index in the input, the window's in the result, and the window's size.
private func forEachPair(
  of shape: [Int], pooledTo size: [Int], _ visit: (_ place: Int, _ pooled: Int, Double) -> Void
) {
  func window(_ index: Int, _ axis: Int) -> Range<Int> {
    let (whole, parts) = (shape[axis + 2], size[axis])
    return index * whole / parts..<((index + 1) * whole + parts - 1) / parts
  }
  for plane in 0..<shape[0] * shape[1] {
    for row in 0..<size[0] {
      for column in 0..<size[1] {
        let (rows, columns) = (window(row, 0), window(column, 1))
        for y in rows {
          for x in columns {
            visit(
              (plane * shape[2] + y) * shape[3] + x, (plane * size[0] + row) * size[1] + column,
              Double(rows.count * columns.count))
          }
        }
      }
    }
  }
}

extension AdaptivePooling: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let result = plan.define(site.outputs[0], try .plain(plan.type(site.outputs[0])))
    let shape = lockstep_adaptive_pooling(plan.type(site.inputs[0]).shape, pooledTo: size)
    plan.emit([source, result]) { addresses in
      let (x, y) = (addresses[0].floats, addresses[1].floats)
      return { _ in
        var shape = shape
        lockstep_adaptive_average(y, x, &shape)
      }
    }
  }
}

extension AdaptivePoolingGradient: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let result = plan.define(site.outputs[0], try .plain(plan.type(site.outputs[0])))
    let size = Array(plan.type(site.inputs[0]).shape[2...])
    let shape = lockstep_adaptive_pooling(inputShape, pooledTo: size)
    plan.emit([source, result]) { addresses in
      let (dy, dx) = (addresses[0].floats, addresses[1].floats)
      return { _ in
        var shape = shape
        lockstep_adaptive_average_gradient(dx, dy, &shape)
      }
    }
  }
}

extension lockstep_adaptive_pooling {
  fileprivate init(_ shape: [Int], pooledTo size: [Int]) {
    self.init(
      planes: shape[0] * shape[1], height: shape[2], width: shape[3], rows: size[0],
      columns: size[1])
  }
}

extension Tensor {
  /// Means over windows of [N, C, H, W], as many as `size` says, of sizes as equal as can be. PyTorch's
  /// `adaptive_avg_pool2d`.
  ///
  /// - Parameter size: rows and columns of the result, also more than there are in the image.
  public func adaptiveAveragePooled(to size: [Int]) -> Tensor {
    // Windows of one size are an average pooling's.
    if shape.count == 4, size.count == 2, size.allSatisfy({ $0 > 0 }), shape[2] % size[0] == 0,
      shape[3] % size[1] == 0
    {
      return averagePooled(tiling(shape[2] / size[0], shape[3] / size[1]))
    }
    return apply(AdaptivePooling(size: size))
  }

  private func tiling(_ height: Int, _ width: Int) -> Window {
    Window(kernel: [height, width], strides: [height, width])
  }
}
