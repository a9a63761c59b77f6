extension TransposedConvolution: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(
      site.output,
      as: onnx.add(
        "ConvTranspose", site.inputs,
        convolution.window.onnxAttributes + [
          .integers("dilations", convolution.window.dilations),
          .integer("group", convolution.groups), .integers("output_padding", outputPadding),
        ]))
  }
}
