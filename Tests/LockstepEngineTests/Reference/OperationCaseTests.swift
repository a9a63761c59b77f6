import LockstepEngine
import LockstepTestSupport
import Testing

/// Forward values and reverse rules of every operation, against PyTorch and central differences.
@Suite struct OperationCaseTests {
  @Test("the reference evaluation computes what PyTorch computes", arguments: OperationCase.all)
  func forward(_ operation: OperationCase) throws {
    let traced = try operation.trace()
    let evaluator = ReferenceEvaluator(traced.graph, context: operation.context)
    let outputs = try evaluator.evaluate(traced.outputs, traced.leaves)
    #expect(outputs.count == operation.outputs.count)
    for (actual, expected) in zip(outputs, operation.outputs) {
      #expect(deviation(actual, from: expected) < 1e-10)
    }
  }

  @Test("the reverse rules give PyTorch's gradients", arguments: OperationCase.all)
  func reverse(_ operation: OperationCase) throws {
    let traced = try operation.trace()
    let evaluator = ReferenceEvaluator(traced.graph, context: operation.context)
    for (gradient, expected) in zip(traced.gradients, operation.gradients) {
      #expect((gradient == nil) == (expected == nil))
      guard let gradient, let expected else { continue }
      let actual = try evaluator.evaluate([gradient], traced.leaves)[0]
      #expect(deviation(actual, from: expected) < 1e-10)
    }
  }

  @Test(
    "the reverse rules agree with central differences",
    arguments: OperationCase.all.filter(\.isSmooth))
  func centralDifference(_ operation: OperationCase) throws {
    let traced = try operation.trace()
    let evaluator = ReferenceEvaluator(traced.graph, context: operation.context)
    guard let objective = traced.objective else { return }
    for (index, gradient) in traced.gradients.enumerated() {
      guard let gradient else { continue }
      let actual = try evaluator.evaluate([gradient], traced.leaves)[0]
      let differences =
        operation.inputs[index].role == .parameter
        ? try centralDifferences(
          of: objective, by: \.parameters["parameter.\(index)"], at: traced.leaves,
          context: operation.context)
        : try centralDifferences(
          of: objective, by: \.inputs["input.\(index)"], at: traced.leaves,
          context: operation.context)
      #expect(deviation(actual, from: differences) < 1e-6)
    }
  }

  @Test("every case is told apart by its name")
  func names() {
    #expect(Set(OperationCase.all.map(\.name)).count == OperationCase.all.count)
    #expect(OperationCase.all.count > 150)
  }

  @Test("a wrong gradient would be noticed")
  func noticesErrors() throws {
    let expected = HostTensor([2], [1, 1000])
    #expect(deviation(HostTensor([2], [1, 1000.1]), from: expected) > 9e-5)
    #expect(deviation(HostTensor([2], [1, .nan]), from: expected) == .infinity)
    #expect(deviation(HostTensor([1, 2], [1, 1000]), from: expected) == .infinity)
    #expect(deviation(expected, from: expected) == 0)
  }
}
