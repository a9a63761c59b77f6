/// One operation that was started in a scope.
public struct MPIRequest: Equatable {
  let table: RequestTable
  let operation: StartedOperation

  /// Waits until the operation has finished; at once where it has.
  ///
  /// For a send or a collective the status says nothing (source and tag are -1).
  ///
  /// - Throws: what went wrong with the operation, by the call that started it; ``MPIError`` of kind
  ///   `state` where the scope has ended.
  @discardableResult
  public func wait() throws(MPIError) -> MPIStatus { try table.wait(operation) }

  /// The status where the operation has finished, else nil; throws as ``wait()``.
  public func test() throws(MPIError) -> MPIStatus? { try table.test(operation) }

  /// Cancels a receive, unless a message has arrived: the status tells which.
  public func cancel() throws(MPIError) { try table.cancel(operation) }

  public static func == (left: Self, right: Self) -> Bool { left.operation === right.operation }
}
