import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepTestSupport
import Testing

import LockstepONNX

@Suite struct ONNXFileTests {
  @Test func textsOfAList() {
    #expect(ExportedNames.list("['', 'encoder', 'encoder.0']") == ["encoder", "encoder.0"])
  }

  @Test func modulesOfANode() {
    #expect(ExportedNames.module(["encoder", "layers.0", "linear1"]) == "encoder.layers.0.linear1")
    #expect(ExportedNames.module(["features", "features.3", "features.3.0"]) == "features.3.0")
    #expect(ExportedNames.module([]) == "")
  }

  private func graph(_ type: String) -> ONNXModel {
    var graph = ONNXGraph()
    graph.inputs = [.init("input", .float32, [.free("batch"), .fixed(3)])]
    graph.outputs = [.init("output", .float32, nil)]
    graph.initializers = [.init("w", ONNXTensor([2, 3], floats: [1, 2, 3, 4, 5, 6]))]
    graph.nodes = [
      ONNXNode(
        "Gemm", name: "map", inputs: ["input", "w"], outputs: ["hidden"],
        attributes: [.integer("transB", 1)]),
      ONNXNode(type, name: "last", inputs: ["hidden"], outputs: ["output"]),
    ]
    return ONNXModel(graph: graph, operatorSet: 20, producer: "tests")
  }

  private func trained(_ model: ONNXModel, shape: [Int] = [3]) throws -> Trace {
    let imported = try ImportedModel(
      model, path: "m.onnx", output: nil, statistics: .perShard)
    return try trace(imported, inputShape: shape, batchCount: 2, training: true)
  }

  @Test("a file is read as it was written")
  func written() throws {
    let model = graph("Relu")
    try withTemporaryDirectory { directory in
      let path = "\(directory)/m.onnx"
      try AtomicFile.write(path, bytes: try model.packed())
      let read = try ONNXModel(reading: path)
      #expect(read.graph.nodes == model.graph.nodes)
      #expect(read.graph.inputs == model.graph.inputs)
      #expect(read.graph.initializers[0].tensor == model.graph.initializers[0].tensor)
      #expect(read.operatorSet == 20)
      #expect(read.producer == "tests")
    }
    #expect(try trained(model).graph.parameters.map(\.name) == ["w"])
  }

  @Test("an operator that is not trained is named with its node")
  func unsupported() throws {
    #expect {
      try trained(graph("Hardmax"))
    } throws: { error in
      let text = "\(error)"
      return text.contains("m.onnx") && text.contains("'last'") && text.contains("Hardmax")
        && text.contains("docs/onnx.md")
    }
  }

  @Test("examples of another shape are refused by shape")
  func shape() throws {
    #expect {
      try trained(graph("Relu"), shape: [4])
    } throws: { "\($0)".contains("'input' takes examples of shape [3]") && "\($0)".contains("[4]") }
  }

  /// The older exporter calls the second call of `b` `b_1`. Where the file has a weight of `b_1`, that is a module.
  @Test("a module that is called twice is one", arguments: [false, true])
  func calledTwice(isOther: Bool) throws {
    var graph = ONNXGraph()
    graph.inputs = [.init("input", .float32, [.free("batch"), .fixed(2)])]
    graph.outputs = [.init("output", .float32, nil)]
    graph.initializers = [
      .init("b.weight", ONNXTensor([2, 2], floats: [1, 2, 3, 4])),
      .init(isOther ? "b_1.bias" : "b.bias", ONNXTensor([2], floats: [1, 2])),
    ]
    let bias = graph.initializers[1].name
    graph.nodes = [("/b/Gemm", "input", "hidden"), ("/b_1/Gemm", "hidden", "output")].map {
      ONNXNode(
        "Gemm", name: $0, inputs: [$1, "b.weight"] + (isOther && $0 == "/b/Gemm" ? [] : [bias]),
        outputs: [$2], attributes: [.integer("transB", 1)])
    }
    try withTemporaryDirectory { directory in
      let path = "\(directory)/m.onnx"
      try AtomicFile.write(
        path, bytes: try ONNXModel(graph: graph, operatorSet: 20, producer: "tests").packed())
      let model = try ImportedModel(reading: path, output: nil, statistics: .perShard)
      let trace = try trace(model, inputShape: [2], batchCount: 2, training: true)
      #expect(
        trace.graph.parameters.map(\.name)
          == ["b.weight"] + (isOther ? ["b_1.weight", "b_1.bias"] : ["b.bias"]))
      #expect(model.notices.contains { $0.contains("'b' is called more than once") } == !isOther)
    }
  }

  @Test("nodes that read or write nothing are refused by name", arguments: ["Erf", "Identity"])
  func incomplete(_ type: String) throws {
    for breaks in [true, false] {
      var model = graph("Relu")
      model.graph.nodes.append(
        ONNXNode(
          type, name: "odd", inputs: breaks ? [] : ["w"], outputs: breaks ? ["x"] : []))
      try withTemporaryDirectory { directory in
        let path = "\(directory)/m.onnx"
        try AtomicFile.write(path, bytes: try model.packed())
        #expect {
          try ONNXModel(reading: path)
        } throws: { error in
          "\(error)".contains("'odd' (\(type)) has no \(breaks ? "input" : "result")")
        }
      }
    }
  }

  @Test("no bytes of a file end the process", arguments: [UInt64(1), 2, 3])
  func damaged(_ seed: UInt64) throws {
    let bytes = try graph("Relu").packed()
    try withTemporaryDirectory { directory in
      let path = "\(directory)/m.onnx"
      var random = CounterGenerator(seed: seed, .initialization, index: 0)
      for _ in 0..<200 {
        var changed = bytes
        for _ in 0..<1 + Int(random.next() % 4) {
          changed[Int(random.next() % UInt64(changed.count))] = UInt8(
            truncatingIfNeeded: random.next())
        }
        if random.next() % 3 == 0 {
          changed.removeLast(Int(random.next() % UInt64(changed.count)))
        }
        try AtomicFile.write(path, bytes: changed, isDurable: false)
        guard let model = try? ONNXModel(reading: path) else { continue }
        _ = try? trained(model)
      }
    }
  }
}
