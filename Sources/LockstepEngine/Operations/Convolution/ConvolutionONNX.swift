extension Convolution: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(
      site.output,
      as: onnx.add(
        "Conv", site.inputs,
        window.onnxAttributes + [
          .integers("dilations", window.dilations), .integer("group", groups),
        ]
      ))
  }
}
