import LockstepFiles

/// The files of a folder of images: in one folder a class, or all in one folder without classes.
package struct ImageFolder: Sendable {
  /// The folder's path.
  package let path: String
  /// The paths of the images below the folder, class by class in the order of their names.
  package let files: [String]
  /// The names of the classes in the order of their folders' names; nil where there are none.
  package let classes: [String]?
  /// The number of the class of each image.
  package let labels: [Int]
  /// What the user should know.
  package let notices: [String]

  /// Lists a folder. Names that begin with a dot are left out.
  ///
  /// - Throws: `FileError` where images and folders stand side by side, a class has no images, or a
  ///   file is an image of a kind that is not read.
  package init(_ path: String) throws(FileError) {
    func refuse(_ reason: String) -> FileError {
      FileError(path: path, kind: .mismatch, reason: reason)
    }
    guard FileKind(path) == .directory else {
      throw FileKind(path) == .missing
        ? refuse("there is no such folder")
        : refuse("is no folder; expected one with a folder a class")
    }
    let names = try SystemFileSystem().list(path).filter { !$0.hasPrefix(".") }
    let folders = names.filter { FileKind("\(path)/\($0)") == .directory }
    var others: [String] = []
    let loose = try Self.images(names.filter { !folders.contains($0) }, path, &others)
    guard folders.isEmpty || loose.isEmpty else {
      throw refuse(
        "holds images, such as \(loose[0].quoted), beside folders, such as \(folders[0].quoted); put each image "
          + "in the folder of its class")
    }
    guard !folders.isEmpty || !loose.isEmpty else { throw refuse("holds no images, PNG or JPEG") }
    self.path = path
    guard !folders.isEmpty else {
      (files, classes, labels) = (loose, nil, [])
      notices = Self.notices(others, path)
      return
    }
    var (files, labels): ([String], [Int]) = ([], [])
    for (number, folder) in folders.enumerated() {
      let names = try SystemFileSystem().list("\(path)/\(folder)").filter { !$0.hasPrefix(".") }
      if let inner = names.first(where: { FileKind("\(path)/\(folder)/\($0)") == .directory }) {
        throw refuse(
          "its folder \(folder.quoted) holds the folder \(inner.quoted), and images lie in the folders of their "
            + "classes: is \(folder.quoted) a part of the data, and to be named itself?")
      }
      let images = try Self.images(names, "\(path)/\(folder)", &others).map { "\(folder)/\($0)" }
      guard !images.isEmpty else {
        throw refuse(
          "the class \(folder.quoted) has no images, PNG or JPEG; fill its folder, or take it away")
      }
      files += images
      labels += [Int](repeating: number, count: images.count)
    }
    (self.files, self.labels, classes) = (files, labels, folders)
    notices = Self.notices(others, path)
  }

  /// The images among names; what is none goes to `others`.
  private static func images(
    _ names: [String], _ folder: String, _ others: inout [String]
  ) throws(FileError) -> [String] {
    if let name = names.first(where: { ImageFile.hasEnding($0, ImageFile.otherEndings) }) {
      throw FileError(
        path: "\(folder)/\(name)", kind: .mismatch,
        reason: "is an image of a kind that is not read; convert it to PNG or JPEG, or take it away"
      )
    }
    others += names.filter { !ImageFile.hasEnding($0) }.map { "\(folder)/\($0)" }
    return names.filter { ImageFile.hasEnding($0) }
  }

  private static func notices(_ others: [String], _ path: String) -> [String] {
    guard let first = others.first else { return [] }
    return [
      "\(path): \(counted(others.count, "file")) left out, \(others.count == 1 ? "which is" : "which are") no PNG and "
        + "no JPEG by the name: \(first)\(others.count > 1 ? " and others" : "")"
    ]
  }
}
