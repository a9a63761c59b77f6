internal import CMPI

/// What went wrong in a call, on which rank.
///
/// The description reads `rank 2: MPI_Send: destination 7 is not a rank of this communicator (0..<4)`.
public struct MPIError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of the failure.
  public enum Kind: Sendable, Equatable {
    /// MPI itself returned an error code of this class.
    case library(code: Int, errorClass: Int)
    /// An argument was refused before MPI saw it: a count, a rank, a tag, an overlap.
    case argument
    /// The library is not initialised, is finalized already, or the object was freed.
    case state
    /// The program was started by a launcher that this MPI library does not know.
    case launch
    /// The machine lacks something: space in shared memory, a thread level, a free slot.
    case resource
  }

  /// The kind of the failure.
  public let kind: Kind
  /// The MPI function's name, `MPI_Allreduce`.
  public let call: String
  /// What went wrong and what to do; MPI's own text where MPI failed.
  public let message: String
  /// The rank in the world that saw the failure, or nil before the world exists.
  public let rank: Int?

  /// Makes an error with a kind, a call, a message and a rank of the world.
  public init(kind: Kind, call: String, message: String, rank: Int?) {
    self.kind = kind
    self.call = call
    self.message = message
    self.rank = rank
  }

  public var description: String {
    let place = rank.map { "rank \($0): " } ?? ""
    return "\(place)\(call): \(message)"
  }
}

/// Throws MPI's own text for a code that is not success.
func check(_ call: String, _ code: Int32) throws(MPIError) {
  guard code != lockstep_mpi_success() else { return }
  throw libraryError(call, code)
}

func libraryError(_ call: String, _ code: Int32) -> MPIError {
  var errorClass: Int32 = 0
  MPI_Error_class(code, &errorClass)
  let text = mpiString(capacity: lockstep_mpi_max_error_string()) { MPI_Error_string(code, $0, $1) }
  return MPIError(
    kind: .library(code: Int(code), errorClass: Int(errorClass)), call: call,
    message: text ?? "error code \(code)", rank: MPILibrary.worldRank)
}

func argumentError(_ call: String, _ message: String) -> MPIError {
  MPIError(kind: .argument, call: call, message: message, rank: MPILibrary.worldRank)
}

/// A string that an MPI function writes into a buffer of a given capacity; nil when it fails.
func mpiString(
  capacity: Int32, _ fill: (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<Int32>) -> Int32
) -> String? {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(capacity) + 1) { buffer in
    var length: Int32 = 0
    guard fill(buffer.baseAddress!, &length) == lockstep_mpi_success() else { return nil }
    return String(
      decoding: buffer.prefix(Int(length)).lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
