import LockstepCatalog
import LockstepDatasets
import LockstepFiles

/// The binary files of CIFAR-10 and CIFAR-100.
struct CIFARSource: DataSource {
  let folder: String
  let records: CIFARRecords
  let options: ArrayOptions

  var hasTest: Bool { true }

  private func path(_ name: String) -> String { "\(folder)/\(name)" }

  func training(_ reading: DataReading) throws -> any DataContent {
    let files = records.trainingNames.map(path)
    let names = path(records.namesName)
    return try reading.arrays(files, labels: nil, options) { options in
      try ArrayContent(
        records, files: files, names: FileKind(names) == .missing ? nil : names, options)
    }
  }

  func test(_ reading: DataReading) throws -> (any DataContent)? {
    guard let description = reading.description else { return nil }
    return try ArrayContent(
      [path(records.testName)], labels: nil, as: description, isTargetOptional: false,
      storage: options.storage)
  }

  static let entry = Entry<any DataSource>(
    "cifar", "CIFAR-10 or CIFAR-100, the binary version",
    [
      .required("folder", .file, "the folder of the binary files, with their usual names"),
      .with("records", CIFARRecords.cifar10, "which of the data sets, and which labels"),
    ] + ArrayKeys.normalization + [Hyperparameter].cut.map(\.hidden) + .order
  ) { values in
    CIFARSource(
      folder: values["folder"], records: values["records"],
      options: try ArrayKeys.options(values))
  }
}

extension CIFARRecords: HyperparameterValue {}
