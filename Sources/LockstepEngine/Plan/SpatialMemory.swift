extension PlanBuilder {
  /// A value [N, C, …] with at least one spatial axis, as the primitive wants it.
  func spatial(_ value: Graph.ValueID, as descriptor: MemoryDescriptor? = nil) throws -> Memory {
    let shape = type(value).shape
    guard shape.count == 2 else {
      return try descriptor.map { try memory(value, as: $0) } ?? memory(value)
    }
    let storage = try descriptor?.storage ?? storage(value)
    let flat = try plain(value, storage)
    return Memory(
      buffer: flat.buffer, descriptor: try .plain(shape + [1, 1], storage),
      byteOffset: flat.byteOffset)
  }

  /// Memory for a result that has the layout of `source`, a memory that ``spatial(_:as:)`` gave.
  func defineSpatial(
    _ value: Graph.ValueID, like source: Memory, reusing input: Graph.ValueID? = nil,
    in site: Site? = nil
  ) throws -> Memory {
    let shape = type(value).shape
    guard shape.count == 2 else {
      return define(value, source.descriptor, reusing: input, in: site)
    }
    let storage = source.descriptor.storage ?? .float32
    let flat = define(value, try .plain(shape, storage), reusing: input, in: site)
    return Memory(buffer: flat.buffer, descriptor: source.descriptor)
  }
}

extension PlanBuilder {
  /// The number of examples of a value, and of its elements an example.
  func rows(_ value: Graph.ValueID) -> (Int, Int) {
    let shape = type(value).shape
    return (shape[0], shape.dropFirst().reduce(1, *))
  }
}
