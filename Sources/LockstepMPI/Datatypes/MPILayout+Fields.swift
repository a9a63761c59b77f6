internal import CMPI

extension MPILayout {
  /// The layout of a struct whose stored properties travel one by one, without its padding.
  ///
  /// ```swift
  /// struct Particle: MPIDatatype {
  ///   var position: Double
  ///   var charge: Int32
  ///   static let mpiLayout = MPILayout.fields(of: Self.self, \.position, \.charge)
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - type: the struct.
  ///   - fields: all its stored properties, in the order of their declarations, at most 64.
  /// - Returns: the layout. Where a property is missing, computed or named twice the first call with such
  ///   a value throws an ``MPIError`` of kind `argument` that says so.
  ///   Source: MPI 3.1, section 4.1.2 (`MPI_Type_create_struct`).
  public static func fields<Value: BitwiseCopyable, each Field: MPIDatatype>(
    of type: Value.Type, _ fields: repeat KeyPath<Value, each Field>
  ) -> MPILayout {
    var found: [PlacedField] = []
    for field in repeat each fields { found.append(PlacedField(field)) }
    return MPILayout(kind: kind(found, type), of: type)
  }

  /// A field, where it lies and what it needs.
  private struct PlacedField {
    let offset: Int?
    /// The bytes that a receive may write.
    let size: Int
    let layout: MPILayout

    init<Value, Field: MPIDatatype>(_ path: KeyPath<Value, Field>) {
      offset = MemoryLayout<Value>.offset(of: path)
      layout = Field.mpiLayout
      // Of a value that is copied byte by byte all bytes are written, its padding too.
      if case .bytes(let count) = layout.kind {
        size = count
      } else {
        size = MemoryLayout<Field>.size
      }
    }
  }

  /// The number of a struct's stored properties.
  private static func storedProperties<Value: BitwiseCopyable>(of _: Value.Type) -> Int {
    withUnsafeTemporaryAllocation(
      byteCount: MemoryLayout<Value>.stride, alignment: MemoryLayout<Value>.alignment
    ) { bytes in
      // Of a value of zeros nobody looks at more than the number of its parts.
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      return Mirror(reflecting: bytes.load(as: Value.self)).children.count
    }
  }

  /// The fields, which must leave no more of the value out than its padding: what is not received is not
  /// initialised.
  private static func kind<Value: BitwiseCopyable>(
    _ fields: [PlacedField], _: Value.Type
  ) -> Kind {
    guard !fields.isEmpty, fields.count <= Int(LOCKSTEP_MPI_FIELDS) else {
      return .invalid(
        "\(Value.self) has \(fields.count) fields; a layout has 1 to \(LOCKSTEP_MPI_FIELDS)")
    }
    var result: [Field] = []
    var end = 0
    for (index, field) in fields.enumerated() {
      guard let offset = field.offset else {
        return .invalid(
          "field \(index) of \(Value.self) is no stored property: only those travel")
      }
      guard offset >= end, offset + field.size <= MemoryLayout<Value>.stride else {
        return .invalid(
          """
          field \(index) of \(Value.self) lies at byte \(offset), and the one before it ends at byte \
          \(end): name the stored properties in order, and give those with padding at their ends a \
          layout of fields
          """)
      }
      result.append(Field(offset: offset, layout: field.layout))
      end = offset + field.size
    }
    let properties = storedProperties(of: Value.self)
    guard properties == fields.count else {
      return .invalid(
        "\(Value.self) has \(properties) stored properties, and \(fields.count) are named: name all"
      )
    }
    return .fields(result)
  }
}
