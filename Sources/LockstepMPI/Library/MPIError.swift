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
  package init(kind: Kind, call: String, message: String, rank: Int?) {
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
