internal import COneDNN

/// The shape, type and layout of a tensor in memory.
final class MemoryDescriptor {
  let handle: OpaquePointer
  /// The number of bytes, padding of blocked layouts included.
  let byteCount: Int

  private init(owning handle: OpaquePointer) {
    self.handle = handle
    byteCount = lockstep_md_size(handle)
  }

  deinit { lockstep_md_destroy(handle) }

  /// The number of dimensions.
  var rank: Int { Int(lockstep_md_rank(handle)) }
  /// The dimensions.
  var shape: [Int] { (0..<Int32(rank)).map { Int(lockstep_md_dimension(handle, $0)) } }

  /// The type of the values; nil for bytes that only primitives read.
  var storage: StorageType? {
    switch lockstep_md_type(handle) {
    case Int32(LOCKSTEP_F32.rawValue): .float32
    case Int32(LOCKSTEP_BF16.rawValue): .bfloat16
    case Int32(LOCKSTEP_S32.rawValue): .int32
    default: nil
    }
  }

  /// A layout given by strides in elements. A scalar is described as one dimension of one.
  convenience init(
    _ shape: [Int], strides: [Int], _ storage: StorageType = .float32
  ) throws(OneDNNError) {
    try self.init(shape: shape, strides: strides, storage)
  }

  /// The row-major layout of a graph's value.
  static func plain(_ type: TensorType) throws(OneDNNError) -> MemoryDescriptor {
    try plain(type.shape, StorageType(type.scalar))
  }

  /// The row-major layout of a shape.
  static func plain(
    _ shape: [Int], _ storage: StorageType = .float32
  ) throws(OneDNNError) -> MemoryDescriptor {
    try MemoryDescriptor(shape, strides: rowMajorStrides(shape), storage)
  }

  /// A layout that the primitive is free to choose.
  static func any(
    _ shape: [Int], _ storage: StorageType = .float32
  ) throws(OneDNNError) -> MemoryDescriptor {
    try MemoryDescriptor(shape: shape, strides: nil, storage)
  }

  /// A layout of images [N, C, H, W] by name.
  static func image(
    _ shape: [Int], _ layout: lockstep_image_layout, _ storage: StorageType = .float32
  ) throws(OneDNNError) -> MemoryDescriptor {
    var handle: OpaquePointer?
    try check(
      "memory descriptor of \(shape)",
      lockstep_md_create_image(&handle, shape.map(Int64.init), layout, storage.primitive))
    return MemoryDescriptor(owning: handle!)
  }

  /// The layout of so many examples side by side, each in this layout of one.
  func repeated(_ count: Int) throws(OneDNNError) -> MemoryDescriptor {
    var repeated: OpaquePointer?
    try check(
      "memory descriptor of \(count) examples",
      lockstep_md_repeat(&repeated, handle, Int64(count)))
    return MemoryDescriptor(owning: repeated!)
  }

  /// Whether the other descriptor means the same bytes, though it may say so differently: 16
  /// channels last, and 16 channels as one block.
  func meansSameBytes(as other: MemoryDescriptor) -> Bool {
    self == other || lockstep_md_same_bytes(handle, other.handle) != 0
  }

  /// For a matrix in panels of rows, each stored column by column, or for bfloat16 pair of columns
  /// by pair: the rows of a panel, and the values from one panel to the next.
  var panels: (width: Int, stride: Int)? {
    var stride: Int64 = 0
    let width = lockstep_md_panels(handle, &stride)
    return width > 0 ? (Int(width), Int(stride)) : nil
  }

  /// For a dense tensor [N, C, …] of Float32 in memory as [N][C / width][points][width]: the width.
  /// It is 1 for planes of one channel each, C for channels last, 8 or 16 for blocks.
  var channelWidth: Int? {
    let width = lockstep_md_channel_width(handle)
    return width > 0 ? Int(width) : nil
  }

  /// The layout of images of another shape whose channels lie as in this one; nil where ``channelWidth`` is
  /// nil, or a block of another length than 8 or 16.
  func sameChannels(_ shape: [Int]) throws(OneDNNError) -> MemoryDescriptor? {
    let channels = self.shape[1]
    return switch channelWidth {
    case 1: try .plain(shape)
    case channels: try .image(shape, LOCKSTEP_CHANNELS_LAST)
    case 8: try .image(shape, LOCKSTEP_CHANNELS_BY_8)
    case 16: try .image(shape, LOCKSTEP_CHANNELS_BY_16)
    default: nil
    }
  }

  private convenience init(
    shape: [Int], strides: [Int]?, _ storage: StorageType
  ) throws(OneDNNError) {
    let shape = shape.isEmpty ? [1] : shape
    let strides = strides.map { $0.isEmpty ? [1] : $0 }
    var handle: OpaquePointer?
    let type = storage.primitive
    let dimensions = shape.map(Int64.init)
    let status =
      if let strides {
        lockstep_md_create(
          &handle, Int32(shape.count), dimensions, strides.map(Int64.init), type)
      } else {
        lockstep_md_create(&handle, Int32(shape.count), dimensions, nil, type)
      }
    try check("memory descriptor of \(shape)", status)
    self.init(owning: handle!)
  }

  /// What a primitive wants for one of its arguments; nil where it has no such argument.
  convenience init?(of primitive: OpaquePointer, _ query: dnnl_query_t, index: Int32 = 0) {
    guard let handle = lockstep_pd_md(primitive, query, index) else { return nil }
    self.init(owning: handle)
  }
}

extension MemoryDescriptor: Equatable {
  static func == (a: MemoryDescriptor, b: MemoryDescriptor) -> Bool {
    a === b || lockstep_md_equal(a.handle, b.handle) != 0
  }
}

/// The strides, in elements, of a dense row-major array.
func rowMajorStrides(_ shape: [Int]) -> [Int] {
  var strides = shape
  var stride = 1
  for axis in shape.indices.reversed() {
    strides[axis] = stride
    stride *= max(shape[axis], 1)
  }
  return strides
}
