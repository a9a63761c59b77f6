extension Pooling: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    switch kind {
    case .maximum:
      onnx.define(site.output, as: onnx.add("MaxPool", site.inputs, window.onnxAttributes))
    case .average(let countsPadding):
      onnx.define(
        site.output,
        as: onnx.add(
          "AveragePool", site.inputs,
          window.onnxAttributes + [.integer("count_include_pad", countsPadding ? 1 : 0)]))
    }
  }
}
