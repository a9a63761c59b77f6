import LockstepFiles

/// Images that are stored with their channels last, [h, w, c], as [c, h, w].
struct ChannelsLast: RawExamples {
  private let stored: any RawExamples
  let shape: [Int]

  var name: String { stored.name }
  var count: Int { stored.count }
  var format: ArrayFormat { stored.format }
  var outline: Fingerprint? { stored.outline }

  /// - Throws: `FileError` where examples have not three axes.
  init(_ stored: any RawExamples) throws(FileError) {
    guard stored.shape.count == 3 else {
      throw FileError(
        path: stored.name, kind: .mismatch,
        reason: "an example has the shape \(stored.shape); the layout 'channelsLast' is for images "
          + "[height, width, channels]")
    }
    self.stored = stored
    shape = [stored.shape[2], stored.shape[0], stored.shape[1]]
  }

  func read(_ example: Int, into bytes: UnsafeMutableRawBufferPointer) throws(FileError) {
    let failure = withUnsafeTemporaryAllocation(
      byteCount: max(bytes.count, 1), alignment: 8
    ) { scratch -> FileError? in
      let pixels = UnsafeMutableRawBufferPointer(rebasing: scratch[..<bytes.count])
      do throws(FileError) { try stored.read(example, into: pixels) } catch { return error }
      let size = format.element.size
      let (channels, plane) = (shape[0], shape[1] * shape[2])
      for channel in 0..<channels {
        for pixel in 0..<plane {
          let (to, from) = ((channel * plane + pixel) * size, (pixel * channels + channel) * size)
          for byte in 0..<size { bytes[to + byte] = pixels[from + byte] }
        }
      }
      return nil
    }
    if let failure { throw failure }
  }
}
