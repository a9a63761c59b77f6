/// The sum of what the positions of integer labels weigh (``LabelWeights``): a scalar, added up in
/// Double.
package struct LabelWeightSum: Operation {
  package let weights: LabelWeights
  package var name: String { "sum of weights of labels" }
  package var precisionRole: PrecisionRole { .exact }
  package func acceptsIntegers(_ input: Int) -> Bool { true }
  package func placeholders(_ inputs: [TensorType]) -> [TensorType] { [TensorType([])] }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    _ = try weights.infer(inputs)
    return [TensorType([])]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil] }
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? { [nil] }
}

extension Tensor {
  /// The sum of what positions of labels weigh: how many are not `ignored`, or the sum of the weights of
  /// their classes.
  package func labelWeightSum(ignoring ignored: Int32?, classWeights: [Float]? = nil) -> Tensor {
    apply(LabelWeightSum(weights: LabelWeights(ignored: ignored, classWeights: classWeights)))
  }
}

extension LabelWeightSum {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    [HostTensor([], [weights.evaluate(inputs, context)[0].values.reduce(0, +)])]
  }
}

extension LabelWeightSum: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let labels = try plan.plain(site.inputs[0])
    let result = plan.define(site.outputs[0], try plan.scalars())
    let shards = plan.shards
    let count = plan.type(site.inputs[0]).count / shards
    let weights = weights
    plan.emit([labels, result]) { addresses in
      let (labels, sums) = (addresses[0].integers, addresses[1].floats)
      return { _ in
        for shard in 0..<shards {
          var sum = 0.0
          for index in shard * count..<(shard + 1) * count {
            sum += Double(weights.weight(of: labels[index]))
          }
          sums[shard] = Float(sum)
        }
      }
    }
  }
}

extension LabelWeightSum: ShardwiseLowerable {
  /// The shards' sums are read out, and nobody else reads them.
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.arePerExample(site.inputs)
      && plan.useCount(of: site.outputs[0]) == plan.readOutCount(of: site.outputs[0])
  }
}
