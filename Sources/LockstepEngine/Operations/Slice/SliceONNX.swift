extension Slice: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    onnx.define(
      site.output,
      as: onnx.sliced(site.inputs[0], axis: axis, start..<start + count))
  }
}

extension ONNXGraphBuilder {
  /// The values with an index in a range of an axis.
  func sliced(_ value: String, axis: Int, _ range: Range<Int>) -> String {
    add(
      "Slice",
      [value, integers([range.lowerBound]), integers([range.upperBound]), integers([axis])])
  }
}
