extension Activation: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    let x = site.inputs[0]
    func apply(_ type: String, _ attributes: ONNXAttribute...) -> String {
      onnx.add(type, [x], attributes)
    }
    let result =
      switch kind {
      case .relu(slope: 0): apply("Relu")
      case .relu(let slope): apply("LeakyRelu", .float("alpha", slope))
      case .sigmoid: apply("Sigmoid")
      case .tanh: apply("Tanh")
      case .gelu: apply("Gelu")
      case .geluTanh: apply("Gelu", .string("approximate", "tanh"))
      case .silu: onnx.add("Mul", [x, apply("Sigmoid")])
      case .softplus: apply("Softplus")
      case .elu(let alpha): apply("Elu", .float("alpha", alpha))
      case .exp: apply("Exp")
      case .log: apply("Log")
      case .squareRoot: apply("Sqrt")
      case .square: onnx.add("Mul", [x, x])
      case .absolute: apply("Abs")
      case .affine(let scale, let shift): affine(x, scale, shift, onnx)
      }
    onnx.define(site.output, as: result)
  }

  private func affine(
    _ x: String, _ scale: Float, _ shift: Float, _ onnx: ONNXGraphBuilder
  ) -> String {
    let scaled = scale == 1 ? x : onnx.add("Mul", [x, onnx.number(scale)])
    return shift == 0 ? scaled : onnx.add("Add", [scaled, onnx.number(shift)])
  }
}
