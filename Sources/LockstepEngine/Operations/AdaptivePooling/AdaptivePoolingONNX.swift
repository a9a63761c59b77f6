extension AdaptivePooling: ONNXConvertible {
  /// Means over rows and columns are products with matrices of shares.
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    guard let height = site.inputShapes[0][2].fixed, let width = site.inputShapes[0][3].fixed else {
      throw GraphError("an image's size follows the number of examples")
    }
    /// The share that each of `parts` windows has of each of `whole` positions, [parts, whole].
    func shares(_ whole: Int, _ parts: Int) -> [[Float]] {
      (0..<parts).map { part in
        let window = part * whole / parts..<((part + 1) * whole + parts - 1) / parts
        return (0..<whole).map { window.contains($0) ? 1 / Float(window.count) : 0 }
      }
    }
    let rows = onnx.floats(shares(height, size[0]).flatMap { $0 }, [size[0], height])
    let ofColumns = shares(width, size[1])
    let columns = onnx.floats(
      (0..<width).flatMap { position in ofColumns.map { $0[position] } }, [width, size[1]])
    onnx.define(
      site.output, as: onnx.add("MatMul", [rows, onnx.add("MatMul", [site.inputs[0], columns])]))
  }
}
