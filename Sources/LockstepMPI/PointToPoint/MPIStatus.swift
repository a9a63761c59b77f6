internal import CMPI

/// What is known of a message that arrived or waits. Source: MPI 3.1, section 3.2.5.
public struct MPIStatus: Sendable, Equatable {
  /// The rank that sent it.
  public let source: Int
  /// Its tag.
  public let tag: Int
  /// Its length in bytes.
  package let byteCount: Int
  /// Whether the operation was cancelled and nothing was transferred.
  package let isCancelled: Bool

  init(_ status: lockstep_mpi_status) throws(MPIError) {
    var status = status
    var bytes: Int64 = 0
    var cancelled: Int32 = 0
    try check("MPI_Get_elements_x", lockstep_mpi_status_bytes(&status, &bytes))
    try check("MPI_Test_cancelled", lockstep_mpi_status_cancelled(&status, &cancelled))
    source = Int(lockstep_mpi_status_source(&status))
    tag = Int(lockstep_mpi_status_tag(&status))
    byteCount = Int(max(bytes, 0))
    isCancelled = cancelled != 0
  }

  private init(source: Int, tag: Int, byteCount: Int, isCancelled: Bool) {
    self.source = source
    self.tag = tag
    self.byteCount = byteCount
    self.isCancelled = isCancelled
  }

  /// The status of a send or a collective, which has nothing to tell: source and tag are -1.
  static let withoutMessage = MPIStatus(source: -1, tag: -1, byteCount: 0, isCancelled: false)

  /// The length in values of a type, or nil where the bytes are not a whole number of values.
  public func count<T: MPIDatatype>(of type: T.Type) -> Int? {
    let (count, rest) = byteCount.quotientAndRemainder(dividingBy: T.mpiLayout.messageBytes)
    return rest == 0 ? count : nil
  }
}

/// The type of the values that a receive takes.
struct ReceivedType {
  private let name: String
  private let bytes: Int

  init<T: MPIDatatype>(_: T.Type) {
    name = "\(T.self)"
    bytes = T.mpiLayout.messageBytes
  }

  /// The status of a receive that has finished.
  ///
  /// - Throws: ``MPIError`` of kind `argument` where the message is no whole number of values: it is of
  ///   another type.
  func status(_ status: lockstep_mpi_status, _ call: String) throws(MPIError) -> MPIStatus {
    let status = try MPIStatus(status)
    guard status.isCancelled || status.byteCount % bytes == 0 else {
      throw argumentError(
        call,
        """
        the message of \(status.byteCount) bytes from rank \(status.source) is no whole number of \
        \(name) values
        """)
    }
    return status
  }
}
