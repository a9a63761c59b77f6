internal import CMPI

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
    message: text.map(oneLine) ?? "error code \(code)", rank: WorldRank.known)
}

/// The text of an error in one line. MPICH's has a stack of its functions: the innermost one, the last,
/// says what is wrong.
private func oneLine(_ text: String) -> String {
  let lines = text.split(separator: "\n")
  guard let first = lines.first, let last = lines.last, lines.count > 1 else { return text }
  return first.replacing(", error stack:", with: "") + " (\(last))"
}

func argumentError(_ call: String, _ message: String) -> MPIError {
  MPIError(kind: .argument, call: call, message: message, rank: WorldRank.known)
}

/// Throws where places of parts are given without their counts.
func requireEqualParts(_ call: String, _ places: [[Int]?]) throws(MPIError) {
  guard places.allSatisfy({ $0 == nil }) else {
    throw argumentError(call, "displacements need counts, and all counts where parts differ")
  }
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
