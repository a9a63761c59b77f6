import LockstepCatalog
import LockstepDatasets
import LockstepFiles

/// Folders of PNG and JPEG files, one folder a class.
struct ImageFolderSource: DataSource {
  let folder: String
  let testFolder: String?
  let size: [Int]?
  let channels: Int
  let fit: ImageFit
  let options: ArrayOptions

  var hasTest: Bool { testFolder != nil }

  func training(_ reading: DataReading) throws -> any DataContent {
    try reading.arrays([folder], labels: nil, options) { options in
      try ArrayContent(
        folder: folder, size: size, channels: channels, fit: fit, options)
    }
  }

  func test(_ reading: DataReading) throws -> (any DataContent)? {
    guard let testFolder, let description = reading.description else { return nil }
    guard FileKind(testFolder) == .directory else {
      throw FileError(
        path: testFolder, kind: .mismatch, reason: "is no folder; 'data.testFolder' names one")
    }
    return try ArrayContent(
      [testFolder], labels: nil, as: description, isTargetOptional: false,
      storage: options.storage)
  }

  static let entry = Entry<any DataSource>(
    "image-folder", "a folder of PNG and JPEG files, one folder a class",
    [
      .required("folder", .file, "the folder, with a folder a class"),
      .optional("testFolder", .file, "the folder of the test part"),
      .optional(
        "size", .pair(1...1 << 14), "the height and the width that images are scaled to",
        absence: "those of the first image, which all must have"),
      .with("channels", .choice(["1", "3"]), "3", "1 for grey, 3 for colours"),
      .with("resize", ImageFit.crop, "how images of another shape come to `size`"),
    ] + ArrayKeys.normalization + .cut + .order
  ) { values in
    let size = values.contains("size") ? (values["size"] as SpatialSize).extents : nil
    let channels: String = values["channels"]
    return ImageFolderSource(
      folder: values["folder"], testFolder: values["testFolder"], size: size,
      channels: channels == "1" ? 1 : 3, fit: size == nil ? .exact : values["resize"],
      options: try ArrayKeys.options(values))
  }
}

extension ImageFit: HyperparameterValue {}

/// A height and a width, or one number for both.
private struct SpatialSize: HyperparameterValue {
  let extents: [Int]

  init?(hyperparameter value: JSONValue?) {
    if let side = value?.integerValue {
      extents = [side, side]
    } else if let sides = [Int](hyperparameter: value), sides.count == 2 {
      extents = sides
    } else {
      return nil
    }
  }
}
