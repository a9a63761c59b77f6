/// One operation of a scope.
final class StartedOperation {
  /// The MPI function that started it.
  let call: String
  /// The type that a receive takes values of; nil for what receives nothing.
  let received: ReceivedType?
  /// Its number in the scope.
  let serial: Int
  /// What must live until it has finished.
  var owners: [AnyObject]
  /// How it ended; nil while it is pending.
  var outcome: Result<MPIStatus, MPIError>?
  /// Whether the program has heard of its end.
  var isReported = false
  /// Its place among the pending operations.
  var place: Int

  init(_ call: String, received: ReceivedType?, owners: [AnyObject], serial: Int, place: Int) {
    self.call = call
    self.received = received
    self.owners = owners
    self.serial = serial
    self.place = place
  }
}
