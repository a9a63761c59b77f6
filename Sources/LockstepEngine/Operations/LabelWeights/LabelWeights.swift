/// What the positions of integer labels weigh: 0 where the label is the ignored one, else the weight of
/// its class, or 1. Labels Int32 of any shape; weights Float32 of the same shape.
package struct LabelWeights: Operation {
  /// The label that does not count; nil where all do.
  package let ignored: Int32?
  /// A weight a class; nil for one each. A label without a weight gives NaN.
  package let classWeights: [Float]?
  package var name: String { "weights of labels" }
  package var precisionRole: PrecisionRole { .exact }
  package func acceptsIntegers(_ input: Int) -> Bool { true }
  package func placeholders(_ inputs: [TensorType]) -> [TensorType] {
    [TensorType(inputs[0].shape)]
  }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(inputs[0].scalar == .int32, "expects integer labels, got Float32 \(inputs[0].shape)")
    return [TensorType(inputs[0].shape)]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil] }
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? { [nil] }

  /// The weight of a label.
  func weight(of label: Int32) -> Float {
    if label == ignored { return 0 }
    guard let classWeights else { return 1 }
    return classWeights.indices.contains(Int(label)) ? classWeights[Int(label)] : .nan
  }
}

extension Tensor {
  /// What positions of labels weigh: 0 where a label is `ignored`, else the weight of its class, 1
  /// where `classWeights` is nil.
  public func labelWeights(ignoring ignored: Int32?, classWeights: [Float]? = nil) -> Tensor {
    apply(LabelWeights(ignored: ignored, classWeights: classWeights))
  }
}

extension LabelWeights {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    [inputs[0].map { Double(weight(of: Int32($0))) }]
  }
}

extension LabelWeights: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let labels = try plan.plain(site.inputs[0])
    let result = plan.define(site.outputs[0], try .plain(plan.type(site.outputs[0])))
    let count = plan.type(site.inputs[0]).count
    plan.emit([labels, result]) { addresses in
      let (labels, weights) = (addresses[0].integers, addresses[1].floats)
      return { _ in
        for index in 0..<count { weights[index] = weight(of: labels[index]) }
      }
    }
  }
}

extension LabelWeights: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.arePerExample(site.inputs)
  }
}
