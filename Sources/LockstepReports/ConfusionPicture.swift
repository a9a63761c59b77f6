import LockstepFiles

/// A confusion matrix as a picture: a square a cell, the darker the larger its share of the row.
package struct ConfusionPicture: Sendable {
  /// A PNG file.
  package let png: [UInt8]
  /// Pixels along each side.
  package let side: Int
  /// Bytes of a pixel.
  package let channels = 3

  /// The side of a picture, about; of many classes each has a pixel.
  private static let wanted = 320

  /// The picture of counts, a row for each label; nil where there are none.
  package init?(_ counts: [[Double]]) {
    guard !counts.isEmpty, counts.allSatisfy({ $0.count == counts.count }) else { return nil }
    let cell = max(1, Self.wanted / counts.count)
    side = cell * counts.count
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * side * side)
    for row in counts {
      let sum = row.reduce(0, +)
      var line: [UInt8] = []
      for count in row {
        let part = sum > 0 ? min(max(count / sum, 0), 1) : 0
        // From white to a dark blue.
        let color = [255 - 229 * part, 255 - 175 * part, 255 - 100 * part].map { UInt8($0) }
        for _ in 0..<cell { line += color }
      }
      for _ in 0..<cell { pixels += line }
    }
    png = PNGWriter.bytes(pixels, width: side, height: side, color: .rgb)
  }
}
