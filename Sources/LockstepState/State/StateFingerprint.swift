import LockstepEngine
import LockstepFiles

extension Fingerprint {
  /// The hash of a tensor's type, shape and bits.
  init(of bytes: UnsafeRawBufferPointer, _ element: TensorElement, _ shape: [Int]) {
    self.init(of: bytes, element.rawValue, shape)
  }

  /// The hash of a tensor's type, as files name it, shape and bits.
  init(of bytes: UnsafeRawBufferPointer, _ type: String, _ shape: [Int]) {
    var stream = FingerprintStream()
    let type = Array(type.utf8)
    stream.update(UInt64(type.count))
    type.withUnsafeBytes { stream.update($0) }
    stream.update(UInt64(shape.count))
    for dimension in shape { stream.update(UInt64(dimension)) }
    stream.update(bytes)
    self = stream.fingerprint
  }
}
