/// A symbolic tensor: a value of a graph under trace.
public struct Tensor {
  /// The graph that the tensor is a value of.
  public let graph: Graph
  package let id: Graph.ValueID

  /// The dimensions and scalar type.
  public var type: TensorType { graph.values[id].type }
  /// The dimensions, row-major.
  public var shape: [Int] { type.shape }

  package func apply(_ operation: any Operation, _ more: Tensor...) -> Tensor {
    graph.apply(operation, [self] + more)[0]
  }
}
