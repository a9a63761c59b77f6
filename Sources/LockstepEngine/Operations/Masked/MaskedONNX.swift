extension Masked: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    let isMasked = onnx.add(
      "Cast", [site.inputs[1]], [.integer("to", ONNXTensor.Scalar.bool.number)])
    onnx.define(
      site.output, as: onnx.add("Where", [isMasked, onnx.number(value), site.inputs[0]]))
  }
}
