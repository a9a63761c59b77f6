/// A tensor of given numbers: weights of classes, levels of quantiles.
package struct FixedValues: Operation {
  package let shape: [Int]
  package let values: [Float]
  package var name: String { "fixed values" }
  package var precisionRole: PrecisionRole { .exact }
  package func placeholders(_ inputs: [TensorType]) -> [TensorType] { [TensorType(shape)] }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let type = TensorType(shape)
    try expect(
      values.count == type.count, "\(values.count) values do not fill the shape \(shape)")
    return [type]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [] }
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? { [nil] }
}

extension Graph {
  /// A tensor of given numbers in row-major order.
  public func values(_ values: [Float], _ shape: [Int]) -> Tensor {
    apply(FixedValues(shape: shape, values: values), [])[0]
  }
}

extension FixedValues {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    [HostTensor(shape, values.map(Double.init))]
  }
}

extension FixedValues: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let result = plan.define(site.outputs[0], try .plain(plan.type(site.outputs[0])))
    let values = values
    plan.emit([result]) { addresses in
      let to = addresses[0].floats
      return { _ in
        values.withUnsafeBufferPointer { to.update(from: $0.baseAddress!, count: $0.count) }
      }
    }
  }
}
