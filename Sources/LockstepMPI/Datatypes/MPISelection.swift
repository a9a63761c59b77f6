internal import CMPI

/// Some values of a buffer that travel as one message, with nothing copied by the program: a column
/// of a matrix, the edge of a grid.
///
/// ```swift
/// // The last column of 20 rows and 30 columns, and the same as a block of the grid.
/// let column = try MPISelection<Float>(20, stride: 30, from: 29)
/// let edge = try MPISelection<Float>(block: [20, 1], at: [0, 29], of: [20, 30])
/// try world.send(UnsafeBufferPointer(grid.values), selecting: column, to: right)
/// ```
///
/// The other side may take the values with a selection of its own or one behind the other. The
/// selection owns a committed type of MPI, which is freed with its last reference.
///
/// Source: MPI 3.1, sections 4.1.2 (`MPI_Type_create_hvector`), 4.1.3 (subarrays) and 4.1.9.
public final class MPISelection<T: MPIDatatype> {
  /// The number of values that are selected.
  public let count: Int
  /// The least length of a buffer that holds all of them.
  public let reach: Int

  private(set) var handle: lockstep_mpi_datatype

  /// Runs of values at equal distances.
  ///
  /// - Parameters:
  ///   - runs: the number of runs.
  ///   - length: the values of a run.
  ///   - stride: the values from the start of one run to the start of the next, at least `length`.
  ///   - start: the index of the first value.
  /// - Throws: ``MPIError`` of kind `argument` where a number is negative, runs overlap, or one is
  ///   more than MPI counts.
  public convenience init(
    _ runs: Int, of length: Int = 1, stride: Int, from start: Int = 0
  ) throws(MPIError) {
    let call = "MPI_Type_vector"
    guard runs >= 0, length >= 0, start >= 0 else {
      throw argumentError(
        call, "\(runs) runs of \(length) values from index \(start): none may be negative")
    }
    guard stride >= length else {
      throw argumentError(call, "runs of \(length) values overlap at a stride of \(stride)")
    }
    try self.init(call, start: start, axes: [Axis(runs, stride), Axis(length, 1)])
  }

  /// A block of an array of one or more dimensions in row-major order, the last index running
  /// fastest.
  ///
  /// - Parameters:
  ///   - lengths: the block's length along each dimension.
  ///   - starts: the index of its first value along each dimension.
  ///   - shape: the array's length along each dimension.
  /// - Throws: ``MPIError`` of kind `argument` where the three differ in length or the block does not
  ///   lie in the array.
  public convenience init(
    block lengths: [Int], at starts: [Int], of shape: [Int]
  ) throws(MPIError) {
    let call = "MPI_Type_create_subarray"
    guard lengths.count == shape.count, starts.count == shape.count, !shape.isEmpty else {
      throw argumentError(
        call,
        """
        a block of \(lengths.count) lengths at \(starts.count) indices of an array of \
        \(shape.count) dimensions: the three must be as long as each other, and not empty
        """)
    }
    for (dimension, size) in shape.enumerated() {
      let (start, length) = (starts[dimension], lengths[dimension])
      guard start >= 0, length >= 0, size >= 0, start <= size, length <= size - start else {
        throw argumentError(
          call,
          """
          along dimension \(dimension) the block has \(length) values from index \(start), and \
          the array has \(size)
          """)
      }
    }
    var axes: [Axis] = []
    var stride = 1
    var first = 0
    for dimension in shape.indices.reversed() {
      axes.insert(Axis(lengths[dimension], stride), at: 0)
      let (next, overflow) = stride.multipliedReportingOverflow(by: max(shape[dimension], 1))
      guard !overflow else {
        throw argumentError(call, "the array \(shape) is more than memory can hold")
      }
      // No more than the array's length, which is known to be a number.
      first += starts[dimension] * stride
      stride = next
    }
    try self.init(call, start: first, axes: axes)
  }

  /// `count` things whose starts are `stride` values apart.
  private struct Axis {
    let count: Int
    let stride: Int
    init(_ count: Int, _ stride: Int) {
      self.count = count
      self.stride = stride
    }
  }

  /// - Parameter axes: the slowest first.
  private init(_ call: String, start: Int, axes: [Axis]) throws(MPIError) {
    let count = axes.reduce(1) { $0.multipliedReportingOverflow(by: $1.count).partialValue }
    var reach = count == 0 ? 0 : max(start, start &+ 1)
    for axis in axes where count > 0 {
      let (span, overflow) = axis.stride.multipliedReportingOverflow(by: axis.count - 1)
      reach = overflow ? .max : reach.addingReportingOverflow(span).partialValue
      // A negative sum has left what an index can say.
      guard reach > 0, reach < Int.max / 2 / MemoryLayout<T>.stride else {
        throw argumentError(call, "the selection reaches further than memory does")
      }
    }
    self.count = count
    self.reach = reach

    var pieces: [lockstep_mpi_datatype] = []
    defer {
      for var piece in pieces { _ = lockstep_mpi_type_free(&piece) }
    }
    try MPILibrary.requireReady(call)
    var type = try typeHandle(T.self, call)
    for axis in axes.reversed() {
      guard let count32 = Int32(exactly: axis.count) else {
        throw argumentError(call, "\(axis.count) is more than \(Int32.max), the most MPI counts")
      }
      let bytes = Int64(count == 0 ? 0 : axis.stride * MemoryLayout<T>.stride)
      var next = type
      try check(call, lockstep_mpi_type_strided(count32, bytes, type, &next))
      pieces.append(next)
      type = next
    }
    var made = type
    let offset = Int64(count == 0 ? 0 : start * MemoryLayout<T>.stride)
    try check(call, lockstep_mpi_type_moved(offset, type, &made))
    handle = made
    let code = lockstep_mpi_type_commit(&handle)
    if code != lockstep_mpi_success() {
      _ = lockstep_mpi_type_free(&handle)
      throw libraryError("MPI_Type_commit", code)
    }
  }

  deinit {
    // What is pending keeps the type in MPI itself.
    if MPILibrary.isReady { _ = lockstep_mpi_type_free(&handle) }
  }

  /// Throws where a buffer does not hold all of the values.
  func requireFits(_ call: String, _ available: Int) throws(MPIError) {
    guard reach <= available else {
      throw argumentError(
        call, "the selection needs a buffer of \(reach) values, and it holds \(available)")
    }
  }
}
