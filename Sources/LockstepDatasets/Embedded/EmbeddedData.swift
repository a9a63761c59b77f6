internal import CLockstepData
import LockstepFiles

/// The data sets that every program carries in itself: they need no files and no network.
public enum EmbeddedData {
  /// A training and, where the data comes with one, a test part.
  public struct Parts: Sendable {
    /// The examples to train on.
    public let training: Dataset
    /// The examples to test on; nil where none are set apart.
    public let test: Dataset?
  }

  /// The names that ``named(_:)`` knows.
  package static let names = ["mnist-5k", "breast-cancer"]

  /// A data set by its name.
  package static func named(_ name: String) throws -> Parts {
    switch name {
    case "mnist-5k":
      let digits = try digits()
      return Parts(training: digits.training, test: digits.test)
    case "breast-cancer": return Parts(training: try breastCancer(), test: nil)
    default:
      let nearest = NearestName.find(name, among: names)
      throw DatasetError(
        name,
        "is no embedded data set; "
          + (nearest.map { "did you mean '\($0)'?" }
            ?? "there are " + names.map { "'\($0)'" }.joined(separator: " and ")))
    }
  }

  /// 5,000 handwritten digits of MNIST: 4,000 to train on, 1,000 to test on; inputs [1, 28, 28], ten
  /// classes. Source: LeCun, Cortes, Burges, CC BY-SA 3.0.
  public static func digits(
    normalization: ByteNormalization = .mnist
  ) throws -> (training: Dataset, test: Dataset) {
    func part(_ name: String) throws -> Dataset {
      func array(_ kind: String) throws -> IDXFile {
        let path = "mnist-5k/\(name)-\(kind)-ubyte.gz"
        return try IDXFile.parse(try file(path), path: path)
      }
      return try Dataset.idx(
        name: "mnist-5k", inputs: try array("images-idx3"), labels: try array("labels-idx1"),
        classCount: 10, normalization: normalization)
    }
    return (try part("train"), try part("test"))
  }

  /// Breast Cancer Wisconsin (Diagnostic): 569 examples of 30 features, target `benign` 0 or 1, not
  /// standardised. Source: UCI, CC BY 4.0.
  package static func breastCancer(as kind: TargetKind = .values) throws -> Dataset {
    try Dataset.table(
      try breastCancerTable(), name: "breast-cancer", target: breastCancerTarget, as: kind)
  }

  /// The target column of `breastCancerTable()`.
  package static let breastCancerTarget = "benign"

  /// The table of ``breastCancer(as:)``.
  package static func breastCancerTable() throws(FileError) -> CSVTable {
    let path = "breast-cancer.csv"
    return try CSVTable.parse(try file(path), path: path)
  }

  /// The King James Bible from Genesis to the second book of Samuel: 1,266,411 characters, 72 different ones; a line
  /// a verse, the chapters' names between empty lines. Source: the translation of 1611, public domain.
  public static func kingJames() throws(FileError) -> String {
    let path = "king-james.txt.gz"
    let bytes = try Gzip.inflate(try file(path), path: path, limit: 1 << 24)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The paths of the embedded files, below the `Resources` directory of the sources.
  package static var paths: [String] {
    (0..<lockstep_data_count()).map { String(cString: lockstep_data_at($0).path) }
  }

  /// The bytes of an embedded file.
  package static func file(_ path: String) throws(FileError) -> [UInt8] {
    for index in 0..<lockstep_data_count() {
      let file = lockstep_data_at(index)
      if String(cString: file.path) == path {
        return Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
      }
    }
    throw FileError(path: path, kind: .mismatch, reason: "is not among the embedded files")
  }
}
