extension SinusoidalPositions: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    guard let positions = site.inputShapes[0][1].fixed, let width = site.inputShapes[0][2].fixed
    else { throw GraphError("the number of positions follows that of the examples") }
    let table = table([1, positions, width]).map(Float.init)
    onnx.define(
      site.output,
      as: onnx.add("Add", [site.inputs[0], onnx.floats(table, [positions, width])]))
  }
}
