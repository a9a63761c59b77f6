extension Binary: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    let type =
      switch kind {
      case .add: "Add"
      case .subtract: "Sub"
      case .multiply: "Mul"
      case .divide: "Div"
      }
    onnx.define(site.output, as: onnx.add(type, site.inputs))
  }
}
