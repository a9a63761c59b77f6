// Collectives on arrays, single values and spans, which allocate their results.

extension MPICommunicator {
  /// Copies the root's array to all ranks, whose arrays must have the same length.
  public func broadcast<T: MPIDatatype>(_ values: inout [T], root: Int) throws(MPIError) {
    try values.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try broadcast(buffer, root: root)
    }
  }

  /// Copies the root's values to all ranks.
  public func broadcast<T: MPIDatatype>(_ values: inout MutableSpan<T>, root: Int)
    throws(MPIError)
  {
    try values.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try broadcast(buffer, root: root)
    }
  }

  /// The root's value, on all ranks.
  public func broadcast<T: MPIDatatype>(_ value: T, root: Int) throws(MPIError) -> T {
    var values = [value]
    try broadcast(&values, root: root)
    return values[0]
  }

  /// The root's array on all ranks, whatever its length; other ranks' arrays are ignored.
  public func broadcastArray<T: MPIDatatype>(_ values: [T], root: Int) throws(MPIError) -> [T] {
    let count = try broadcast(values.count, root: root)
    return try makeArray("MPI_Bcast", count) { (buffer) throws(MPIError) in
      if rank == root { _ = buffer.initialize(from: values) }
      try broadcast(buffer, root: root)
    }
  }

  /// Combines the arrays of all ranks, element by element: the result on the root, nil elsewhere.
  public func reduce<T: MPIDatatype>(_ values: [T], _ reduction: MPIReduction<T>, root: Int)
    throws(MPIError) -> [T]?
  {
    try read(values) { (values) throws(MPIError) -> [T]? in
      guard rank == root else {
        try reduce(values, into: nil, reduction, root: root)
        return nil
      }
      return try makeArray("MPI_Reduce", values.count) { (result) throws(MPIError) in
        try reduce(values, into: result, reduction, root: root)
      }
    }
  }

  /// Combines the arrays of all ranks, element by element, on every rank.
  public func allreduce<T: MPIDatatype>(_ values: [T], _ reduction: MPIReduction<T>)
    throws(MPIError) -> [T]
  {
    try read(values) { (values) throws(MPIError) in
      try makeArray("MPI_Allreduce", values.count) { (result) throws(MPIError) in
        try allreduce(values, into: result, reduction)
      }
    }
  }

  /// Combines one value of each rank, on every rank.
  public func allreduce<T: MPIDatatype>(_ value: T, _ reduction: MPIReduction<T>)
    throws(MPIError) -> T
  {
    try allreduce([value], reduction)[0]
  }

  /// Combines the values of all ranks, element by element, in every rank's span.
  public func allreduce<T: MPIDatatype>(
    inPlace values: inout MutableSpan<T>, _ reduction: MPIReduction<T>
  ) throws(MPIError) {
    try values.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try allreduce(inPlace: buffer, reduction)
    }
  }

  /// Combines element by element; this rank's equal part of the result.
  public func reduceScatter<T: MPIDatatype>(_ values: [T], _ reduction: MPIReduction<T>)
    throws(MPIError) -> [T]
  {
    try read(values) { (values) throws(MPIError) in
      try makeArray("MPI_Reduce_scatter", values.count / size) { (result) throws(MPIError) in
        try reduceScatter(values, into: result, reduction)
      }
    }
  }

  /// Combines element by element; this rank's `counts[rank]` values of the result.
  public func reduceScatter<T: MPIDatatype>(
    _ values: [T], counts: [Int], _ reduction: MPIReduction<T>
  ) throws(MPIError) -> [T] {
    let count = counts.indices.contains(rank) ? max(counts[rank], 0) : 0
    return try read(values) { (values) throws(MPIError) in
      try makeArray("MPI_Reduce_scatter", count) { (result) throws(MPIError) in
        try reduceScatter(values, counts: counts, into: result, reduction)
      }
    }
  }

  /// Combines the arrays of the ranks `0...rank`.
  public func scan<T: MPIDatatype>(_ values: [T], _ reduction: MPIReduction<T>)
    throws(MPIError) -> [T]
  {
    try read(values) { (values) throws(MPIError) in
      try makeArray("MPI_Scan", values.count) { (result) throws(MPIError) in
        try scan(values, into: result, reduction)
      }
    }
  }

  /// Combines the arrays of the ranks `0..<rank`; nil on rank 0, which has none below.
  public func exclusiveScan<T: MPIDatatype>(_ values: [T], _ reduction: MPIReduction<T>)
    throws(MPIError) -> [T]?
  {
    let result: [T] = try read(values) { (values) throws(MPIError) in
      try makeArray("MPI_Exscan", values.count) { (result) throws(MPIError) in
        UnsafeMutableRawBufferPointer(result).copyMemory(from: UnsafeRawBufferPointer(values))
        try exclusiveScan(values, into: result, reduction)
      }
    }
    return rank == 0 ? nil : result
  }

  /// Concatenates equally long arrays on the root, in rank order; nil elsewhere.
  public func gather<T: MPIDatatype>(_ values: [T], root: Int) throws(MPIError) -> [T]? {
    try read(values) { (values) throws(MPIError) -> [T]? in
      guard rank == root else {
        try gather(values, into: nil, root: root)
        return nil
      }
      return try makeArray("MPI_Gather", values.count * size) { (result) throws(MPIError) in
        try gather(values, into: result, root: root)
      }
    }
  }

  /// The arrays of all ranks on the root, whatever their lengths; nil elsewhere.
  public func gatherArrays<T: MPIDatatype>(_ values: [T], root: Int) throws(MPIError) -> [[T]]? {
    guard let counts = try gather([values.count], root: root) else {
      try read(values) { (values) throws(MPIError) in
        try gather(values, into: nil, counts: [], root: root)
      }
      return nil
    }
    return try read(values) { (values) throws(MPIError) in
      cut(
        try makeArray("MPI_Gatherv", counts.reduce(0, +)) { (result) throws(MPIError) in
          try gather(values, into: result, counts: counts, root: root)
        }, counts)
    }
  }

  /// Gives each rank its equal part of the root's array; other ranks pass nil.
  ///
  /// - Parameter count: the length of a part.
  public func scatter<T: MPIDatatype>(_ values: [T]?, count: Int, root: Int)
    throws(MPIError) -> [T]
  {
    try makeArray("MPI_Scatter", count) { (result) throws(MPIError) in
      guard let values else { return try scatter(nil, into: result, root: root) }
      try read(values) { (values) throws(MPIError) in
        try scatter(values, into: result, root: root)
      }
    }
  }

  /// Gives each rank its array; other ranks than the root pass nil.
  public func scatterArrays<T: MPIDatatype>(_ arrays: [[T]]?, root: Int) throws(MPIError) -> [T] {
    if rank == root, arrays?.count != size {
      throw argumentError(
        "MPI_Scatterv", "\(arrays?.count ?? 0) arrays were given for \(size) ranks")
    }
    let counts = arrays?.map(\.count)
    let count = try scatter(counts, count: 1, root: root)[0]
    return try makeArray("MPI_Scatterv", count) { (result) throws(MPIError) in
      guard let arrays, let counts else {
        return try scatter(nil, counts: [], into: result, root: root)
      }
      try read(Array(arrays.joined())) { (values) throws(MPIError) in
        try scatter(values, counts: counts, into: result, root: root)
      }
    }
  }

  /// Concatenates equally long arrays on every rank, in rank order.
  public func allgather<T: MPIDatatype>(_ values: [T]) throws(MPIError) -> [T] {
    try read(values) { (values) throws(MPIError) in
      try makeArray("MPI_Allgather", values.count * size) { (result) throws(MPIError) in
        try allgather(values, into: result)
      }
    }
  }

  /// One value of each rank, on every rank, in rank order.
  public func allgather<T: MPIDatatype>(_ value: T) throws(MPIError) -> [T] {
    try allgather([value])
  }

  /// The arrays of all ranks on every rank, whatever their lengths.
  public func allgatherArrays<T: MPIDatatype>(_ values: [T]) throws(MPIError) -> [[T]] {
    let counts = try allgather(values.count)
    return try read(values) { (values) throws(MPIError) in
      cut(
        try makeArray("MPI_Allgatherv", counts.reduce(0, +)) { (result) throws(MPIError) in
          try allgather(values, into: result, counts: counts)
        }, counts)
    }
  }

  /// Sends part r of the array to rank r; the parts received, in rank order.
  public func alltoall<T: MPIDatatype>(_ values: [T]) throws(MPIError) -> [T] {
    try read(values) { (values) throws(MPIError) in
      try makeArray("MPI_Alltoall", values.count) { (result) throws(MPIError) in
        try alltoall(values, into: result)
      }
    }
  }

  /// Sends array r to rank r; the arrays received, whatever their lengths.
  public func alltoallArrays<T: MPIDatatype>(_ arrays: [[T]]) throws(MPIError) -> [[T]] {
    guard arrays.count == size else {
      throw argumentError("MPI_Alltoallv", "\(arrays.count) arrays were given for \(size) ranks")
    }
    let counts = arrays.map(\.count)
    let resultCounts = try alltoall(counts)
    return try read(Array(arrays.joined())) { (values) throws(MPIError) in
      cut(
        try makeArray("MPI_Alltoallv", resultCounts.reduce(0, +)) { (result) throws(MPIError) in
          try alltoall(values, counts: counts, into: result, resultCounts: resultCounts)
        }, resultCounts)
    }
  }

  private func read<T, Result>(
    _ values: [T], _ body: (UnsafeBufferPointer<T>) throws(MPIError) -> Result
  ) throws(MPIError) -> Result {
    try values.withUnsafeBufferPointer(body)
  }

  private func cut<T>(_ values: [T], _ counts: [Int]) -> [[T]] {
    var start = 0
    return counts.map { count in
      defer { start += count }
      return Array(values[start..<start + count])
    }
  }
}
