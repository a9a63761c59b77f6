internal import CLockstepKernels
internal import COneDNN

extension ConvolutionWeightGradient: ExampleContraction {
  package var linearInput: Int { 1 }
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] {
    // A convolution's rows are images.
    let isOfExamples = inputs.allSatisfy { $0.type.shape.first == examples }
    return results.map { _ in isOfExamples ? .total : .unknown }
  }
  package func exampleNorms(of results: [Int], examples: Int) -> any Operation {
    ConvolutionExampleNorms(
      gradient: self, weight: results.contains(0), bias: results.contains(1))
  }
}

/// The norm of each example's gradient of a convolution by weight and bias, [N], from x and dy.
///
/// The gradients are made one example after the other, each in the place of the one before.
package struct ConvolutionExampleNorms: Operation {
  package let gradient: ConvolutionWeightGradient
  /// Whether the gradient by the weight counts, and that by the bias.
  package let weight: Bool
  package let bias: Bool
  package var name: String { "norms of conv2d" }
  package var precisionRole: PrecisionRole { .exact }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      inputs[0].shape.count == 4 && inputs[0].shape[0] == inputs[1].shape[0],
      "expects images x and dy, got \(inputs.map(\.shape))")
    return [TensorType([inputs[0].shape[0]])]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let examples = inputs[0].shape[0]
    let norms = (0..<examples).map { example in
      let own = inputs.map { input in
        let size = input.values.count / examples
        return HostTensor(
          [1] + input.shape.dropFirst(),
          Array(input.values[example * size..<(example + 1) * size]))
      }
      let parts = gradient.evaluate(own, context)
      func squares(_ part: HostTensor) -> Double { part.values.reduce(0) { $0 + $1 * $1 } }
      return ((weight ? squares(parts[0]) : 0) + (bias ? squares(parts[1]) : 0)).squareRoot()
    }
    return [HostTensor([examples], norms)]
  }
}

extension ConvolutionExampleNorms: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (source, result) = (plan.type(site.inputs[0]).shape, plan.type(site.inputs[1]).shape)
    let primitive = try one(source, result, plan)
    let layouts = (
      primitive.layout(dnnl_query_src_md)!, primitive.layout(dnnl_query_diff_dst_md)!
    )
    let x = try plan.memory(site.inputs[0], as: layouts.0.repeated(source[0]))
    let dy = try plan.memory(site.inputs[1], as: layouts.1.repeated(source[0]))
    let layout = primitive.layout(dnnl_query_diff_weights_md)!
    let weights = Memory(
      buffer: plan.activation(layout.byteCount), descriptor: layout)
    let shift =
      bias
      ? Memory(
        buffer: plan.activation(result[1] * 4), descriptor: try .plain([result[1]])) : nil
    let norms = plan.define(site.outputs[0], try .plain([source[0]]))
    let squares = plan.isa.sumOfSquares
    let (hasWeight, counts) = (weight, (layout.byteCount / 4, result[1]))
    for example in 0..<source[0] {
      func part(_ all: Memory, _ layout: MemoryDescriptor) -> Memory {
        Memory(
          buffer: all.buffer, descriptor: layout,
          byteOffset: all.byteOffset + example * layout.byteCount)
      }
      var arguments: [(Int32, Memory)] = [
        (DNNL_ARG_SRC, part(x, layouts.0)), (DNNL_ARG_DIFF_DST, part(dy, layouts.1)),
        (DNNL_ARG_DIFF_WEIGHTS, weights),
      ]
      if let shift { arguments.append((DNNL_ARG_DIFF_BIAS, shift)) }
      plan.emit(primitive, arguments)
      plan.emit([norms, weights] + (shift.map { [$0] } ?? []), calling: "norms") { addresses in
        let (norms, weights) = (addresses[0].floats, addresses[1].floats)
        let shift = addresses.count > 2 ? addresses[2].floats : nil
        return { _ in
          // What blocks of channels are padded with is 0.
          var sum = hasWeight ? squares(weights, counts.0) : 0
          if let shift { sum += squares(shift, counts.1) }
          norms[example] = Float(sum.squareRoot())
        }
      }
    }
  }

  /// The primitive of one example's gradient.
  private func one(_ source: [Int], _ result: [Int], _ plan: PlanBuilder) throws -> Primitive {
    let convolution = gradient.convolution
    let (x, dy) = ([1] + source.dropFirst(), [1] + result.dropFirst())
    let forward = try convolution.forward(
      plan, x, gradient.weightShape, dy, bias: bias, winograd: false)
    var window = convolution.window.primitive
    let diffW = try MemoryDescriptor.any(convolution.weightShape(gradient.weightShape))
    let diffB = bias ? try MemoryDescriptor.plain([gradient.weightShape[0]]) : nil
    let (sources, gradients) = (
      try MemoryDescriptor.any(x, plan.factor), try MemoryDescriptor.any(dy, plan.factor)
    )
    return try Primitive("convolution, gradient of an example by weights") {
      lockstep_convolution_backward_weights(
        &$0, $1, sources.handle, diffW.handle, diffB?.handle, gradients.handle, &window, 0,
        forward.descriptor, $2)
    }
  }
}
