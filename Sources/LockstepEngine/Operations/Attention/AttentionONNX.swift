extension Attention: ONNXConvertible {
  package func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError) {
    let shapes = site.inputShapes
    let (queryShape, keyShape) = (shapes[0], shapes[operandCount - 1])
    guard let queries = queryShape[1].fixed, let keys = keyShape[1].fixed,
      let row = queryShape[2].fixed
    else { throw GraphError("the number of positions follows that of the examples") }
    let width = isPacked ? row / 3 : row
    let operands =
      isPacked
      ? onnx.add(
        "Split", [site.inputs[0], onnx.integers([width, width, width])], [.integer("axis", 2)],
        results: 3) : Array(site.inputs[..<3])
    /// A head behind the other: [N, heads, T, D], or [N, heads, D, T].
    func heads(_ operand: String, _ positions: Int, _ order: [Int]) -> String {
      let parted = onnx.reshaped(
        operand,
        to: [queryShape[0], .fixed(positions), .fixed(self.heads), .fixed(width / self.heads)])
      return onnx.add("Transpose", [parted], [.integers("perm", order)])
    }
    let scale = 1 / Float(width / self.heads).squareRoot()
    let query = onnx.add(
      "Mul", [heads(operands[0], queries, [0, 2, 1, 3]), onnx.number(scale)])
    var scores = onnx.add("MatMul", [query, heads(operands[1], keys, [0, 2, 3, 1])])
    // Far below any score, and no infinity, which would make not-a-numbers of a row without keys.
    let hidden = onnx.number(-0x1p+100)
    if isCausal {
      let isSeen = (0..<queries).flatMap { query in (0..<keys).map { $0 <= query } }
      scores = onnx.add("Where", [onnx.truths(isSeen, [queries, keys]), scores, hidden])
    }
    if site.inputs.count > operandCount {
      let lengths = onnx.add(
        "Unsqueeze", [site.inputs[operandCount], onnx.integers([1, 2, 3])])
      let isSeen = onnx.add("Less", [onnx.integers(Array(0..<keys)), lengths])
      scores = onnx.add("Where", [isSeen, scores, hidden])
    }
    let shares = onnx.add("Softmax", [scores], [.integer("axis", -1)])
    let means = onnx.add("MatMul", [shares, heads(operands[2], keys, [0, 2, 1, 3])])
    let joined = onnx.add("Transpose", [means], [.integers("perm", [0, 2, 1, 3])])
    onnx.define(site.output, as: onnx.reshaped(joined, to: site.outputShapes[0]))
  }
}
