import LockstepFiles

extension SafetensorsFile {
  /// Each tensor's hash over type, shape and bits, in the order of the file; of a run's weights in
  /// the order that their fingerprint covers them.
  package func fingerprints() throws(FileError) -> [(name: String, fingerprint: Fingerprint)] {
    var fingerprints: [(name: String, fingerprint: Fingerprint)] = []
    let largest = tensors.reduce(0) { max($0, $1.range.count) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: largest, alignment: 64)
    defer { buffer.deallocate() }
    for tensor in tensors {
      let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<tensor.range.count])
      try read(tensor.name, into: bytes)
      fingerprints.append(
        (
          tensor.name,
          Fingerprint(of: UnsafeRawBufferPointer(bytes), tensor.type, tensor.shape)
        ))
    }
    return fingerprints
  }
}
