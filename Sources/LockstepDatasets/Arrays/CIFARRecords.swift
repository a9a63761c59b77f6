import LockstepFiles

/// The binary files of CIFAR-10 and CIFAR-100: records of one or two bytes of labels and 3·32·32 bytes
/// of pixels, red, green and blue planes.
///
/// Source: https://www.cs.toronto.edu/~kriz/cifar.html
package enum CIFARRecords: String, Sendable, CaseIterable {
  /// CIFAR-10: a label.
  case cifar10
  /// CIFAR-100: a coarse and a fine label, of which the fine one counts.
  case cifar100
  /// CIFAR-100: a coarse and a fine label, of which the coarse one counts.
  case cifar100Coarse

  /// The number of bytes before the pixels.
  var labelCount: Int { self == .cifar10 ? 1 : 2 }
  /// Which of these bytes is the label.
  var labelPlace: Int { self == .cifar100 ? 1 : 0 }
  /// The number of classes.
  package var classCount: Int {
    switch self {
    case .cifar10: 10
    case .cifar100: 100
    case .cifar100Coarse: 20
    }
  }
  /// The files of the training part, by their usual names.
  package var trainingNames: [String] {
    self == .cifar10 ? (1...5).map { "data_batch_\($0).bin" } : ["train.bin"]
  }
  /// The file of the test part.
  package var testName: String { self == .cifar10 ? "test_batch.bin" : "test.bin" }
  /// The file of the classes' names, a line each.
  package var namesName: String {
    switch self {
    case .cifar10: "batches.meta.txt"
    case .cifar100: "fine_label_names.txt"
    case .cifar100Coarse: "coarse_label_names.txt"
    }
  }

  static let pixels = 3 * 32 * 32

  /// Opens files of records, one behind the other: their images, and the label of each.
  func open(_ paths: [String]) throws(FileError) -> (images: StoredArray, labels: [Int32]) {
    var images: [StoredArray] = []
    var labels: [Int32] = []
    let record = labelCount + Self.pixels
    for path in paths {
      let file = try FileInput(path)
      guard file.size > 0, file.size.isMultiple(of: record) else {
        throw FileError(
          path: path, kind: .mismatch,
          reason:
            "has \(file.size) bytes, which are no records of \(record) bytes, \(labelCount) of labels and "
            + "\(Self.pixels) of pixels: it is not complete, or no binary file of \(rawValue)")
      }
      let count = file.size / record
      images.append(
        StoredArray(
          file, format: ArrayFormat(.uint8), shape: [count, 3, 32, 32], start: labelCount,
          stride: record))
      let bytes = StoredArray(
        file, format: ArrayFormat(.uint8), shape: [count, 1], start: labelPlace, stride: record)
      for (example, label) in try bytes.inMemory().gathered(nil).enumerated() {
        guard Int(label) < classCount else {
          throw FileError(
            path: path, kind: .corrupt,
            reason: "record \(example + 1): the label is \(label), and \(rawValue) has the classes "
              + "0...\(classCount - 1)")
        }
        labels.append(Int32(label))
      }
    }
    return (StoredArray(joining: images), labels)
  }
}
