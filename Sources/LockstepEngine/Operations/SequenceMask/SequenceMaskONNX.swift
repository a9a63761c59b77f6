extension SequenceMask: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    let places = onnx.integers(Array(0..<positions), [1, positions])
    let lengths = onnx.add("Unsqueeze", [site.inputs[0], onnx.integers([1])])
    let isMarked =
      switch kind {
      case .valid: onnx.add("Less", [places, lengths])
      case .last:
        onnx.add("Equal", [places, onnx.add("Sub", [lengths, onnx.integers([1])])])
      }
    onnx.define(
      site.output,
      as: onnx.add("Cast", [isMarked], [.integer("to", ONNXTensor.Scalar.float32.number)]))
  }
}
