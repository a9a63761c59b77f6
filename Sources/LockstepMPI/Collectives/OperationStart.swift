internal import CMPI

/// A non-blocking operation as it starts: its request, and what must live until it finishes.
///
/// Each collective is written once. With a start it is the non-blocking form (`MPI_I…`), without
/// one it blocks.
final class OperationStart {
  var request = lockstep_mpi_request_null()
  var owners: [AnyObject] = []
}

extension MPICommunicator {
  /// Checks counts and displacements against each other, the buffer and Int32.
  ///
  /// - Parameters:
  ///   - displacements: where each part starts; nil puts them one behind the other.
  ///   - disjoint: whether parts may not overlap, as where they are written.
  func parts(
    _ call: String, _ what: String, counts: [Int], displacements: [Int]?, bufferCount: Int,
    disjoint: Bool
  ) throws(MPIError) -> Parts {
    if let known = partsCache.parts(
      counts, displacements, bufferCount: bufferCount, disjoint: disjoint)
    {
      return known
    }
    guard counts.count == size else {
      throw argumentError(call, "\(counts.count) counts were given for \(size) ranks")
    }
    var starts = displacements ?? []
    if displacements == nil {
      var start = 0
      for count in counts {
        starts.append(start)
        start &+= max(count, 0)  // one that is too long is refused below
      }
    }
    guard starts.count == size else {
      throw argumentError(call, "\(starts.count) displacements were given for \(size) ranks")
    }
    var counts32: [Int32] = []
    var starts32: [Int32] = []
    var total = 0
    var reach = 0
    for (rank, (count, start)) in zip(counts, starts).enumerated() {
      guard count >= 0, start >= 0 else {
        throw argumentError(
          call, "rank \(rank) has count \(count) at displacement \(start): neither may be negative")
      }
      counts32.append(try requireShort(call, count))
      starts32.append(try requireShort(call, start))
      guard start + count <= bufferCount else {
        throw argumentError(
          call,
          """
          \(what) holds \(bufferCount) values, but the part of rank \(rank) is \
          \(start)..<\(start + count)
          """)
      }
      total += count
      reach = max(reach, start + count)
    }
    if disjoint, displacements != nil {
      let order = starts.indices.filter { counts[$0] > 0 }.sorted { starts[$0] < starts[$1] }
      for (left, right) in zip(order, order.dropFirst())
      where starts[left] + counts[left] > starts[right] {
        throw argumentError(
          call, "the parts of ranks \(min(left, right)) and \(max(left, right)) overlap")
      }
    }
    let parts = Parts(
      counts: CountArray(counts32), displacements: CountArray(starts32), total: total,
      reach: reach)
    partsCache.insert(counts, displacements, disjoint: disjoint, parts)
    return parts
  }
}
