extension Rotary: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    guard limit == nil, let positions = site.inputShapes[0][1].fixed,
      let width = site.inputShapes[0][2].fixed
    else { throw GraphError("positions that are an input have no form in ONNX here") }
    let (heads, pairs) = (columns / headWidth, headWidth / 2)
    let angles = angles(positions: positions)
    // Pairs of a head: [.., pairs, 2] where neighbours are turned, [.., 2, pairs] where halves are.
    let (pairAxis, tableShape) =
      pairing == .neighbours ? (4, [positions, 1, pairs, 1]) : (3, [positions, 1, 1, pairs])
    let cosines = onnx.floats(angles.cosines.map(Float.init), tableShape)
    let sines = onnx.floats(angles.sines.map(Float.init), tableShape)
    let turned =
      columns == width
      ? site.inputs[0] : onnx.sliced(site.inputs[0], axis: 2, 0..<columns)
    let inner = pairing == .neighbours ? [pairs, 2] : [2, pairs]
    let leading = Array(site.inputShapes[0][..<2])
    let x = onnx.reshaped(turned, to: leading + ([heads] + inner).map { .fixed($0) })
    let (a, b) = (
      onnx.sliced(x, axis: pairAxis, 0..<1), onnx.sliced(x, axis: pairAxis, 1..<2)
    )
    func product(_ left: String, _ right: String) -> String { onnx.add("Mul", [left, right]) }
    let first = onnx.add("Sub", [product(a, cosines), product(b, sines)])
    let second = onnx.add("Add", [product(b, cosines), product(a, sines)])
    let pair = onnx.add("Concat", [first, second], [.integer("axis", pairAxis)])
    let result = onnx.reshaped(pair, to: leading + [.fixed(columns)])
    guard columns < width else { return onnx.define(site.output, as: result) }
    let rest = onnx.sliced(site.inputs[0], axis: 2, columns..<width)
    onnx.define(site.output, as: onnx.add("Concat", [result, rest], [.integer("axis", 2)]))
  }
}
