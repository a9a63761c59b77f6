import LockstepFiles

// Where the arrays of a content come from: files of arrays, folders of images, CIFAR's records.

extension ArrayContent {
  /// A folder of images with a folder a class, that a run is to be trained on.
  ///
  /// - Parameters:
  ///   - size: height and width; those of the first image if nil.
  ///   - channels: 1 or 3.
  /// - Throws: `FileError` that names the file or the folder.
  package init(
    folder path: String, size: [Int]?, channels: Int, fit: ImageFit, _ options: ArrayOptions
  ) throws {
    let folder = try ImageFolder(path)
    guard let names = folder.classes else {
      throw FileError(
        path: path, kind: .mismatch,
        reason: "holds images and no folders; put the images of each class in a folder of its name")
    }
    let raw = try FolderImages(folder, size: size, channels: channels, fit: fit)
    var options = options
    options.layout.fit = fit
    try self.init(
      raw, .classes(folder.labels.map { Int32($0) }, ClassNames(recorded: names)),
      labelName: path, notices: folder.notices, options)
  }

  /// Images that are read through what training learned: a folder, with or without folders of classes,
  /// or one file.
  ///
  /// - Parameter needsLabels: whether a folder without classes is refused.
  init(
    images path: String, as description: DataDescription, needsLabels: Bool,
    storage: ArrayOptions.Storage
  ) throws {
    let array = try Self.array(of: description, path: path)
    guard array.element == .uint8, array.shape.count == 3, [1, 3].contains(array.shape[0]) else {
      throw FileError(
        path: path, kind: .mismatch,
        reason:
          "holds images, and the run was trained on \(array.element.name) arrays of the shape "
          + "\(array.shape)")
    }
    let (channels, size, fit) = (
      array.shape[0], Array(array.shape[1...]), array.layout.fit ?? .exact
    )
    let options = ArrayOptions.of(description, array, storage)
    let remedy = "the run was trained on images of that size as they were: scale this one to it"
    let raw: FolderImages
    var (target, notices) = (ArrayTarget.none, [String]())
    if FileKind(path) == .directory {
      let folder = try ImageFolder(path)
      notices = folder.notices
      raw = try FolderImages(
        folder, size: size, channels: channels, fit: fit, remedy: remedy)
      if let names = folder.classes { target = try Self.target(folder, names, description.target) }
    } else {
      raw = try FolderImages(
        file: path, size: size, channels: channels, fit: fit, remedy: remedy)
    }
    if needsLabels, case .none = target {
      throw FileError(
        path: path, kind: .mismatch,
        reason:
          "has no labels; put the images of each class in a folder of its name, and name the folder "
          + "around these")
    }
    try self.init(raw, target, labelName: path, notices: notices, options)
  }

  /// Whether a path names a folder, or a file that begins as an image does.
  private static func holdsImages(_ path: String) throws(FileError) -> Bool {
    switch FileKind(path) {
    case .directory: true
    case .regular: ImageFile.isImage(try FileInput(path).prefix(8))
    default: false
    }
  }

  /// The labels of a folder, by the numbers that training gave to the classes.
  private static func target(
    _ folder: ImageFolder, _ names: [String], _ known: TargetDescription
  ) throws(FileError) -> ArrayTarget {
    guard let classes = known.classes else {
      throw FileError(
        path: folder.path, kind: .mismatch,
        reason: "has a folder a class, and the run was trained on numbers")
    }
    var numbers: [Int32] = []
    for name in names {
      do throws(UnknownClass) { numbers.append(try classes.number(of: name)) } catch {
        throw FileError(path: "\(folder.path)/\(name)", kind: .mismatch, reason: error.reason)
      }
    }
    return .classes(folder.labels.map { numbers[$0] }, nil)
  }

  /// Records of CIFAR that a run is to be trained on.
  ///
  /// - Parameter names: the file of the classes' names; nil for none.
  package init(
    _ records: CIFARRecords, files: [String], names: String?, _ options: ArrayOptions
  ) throws {
    let (images, labels) = try records.open(files)
    var options = options
    options.layout.records = records
    var classes: ClassNames?
    if let names {
      let lines = String(decoding: try FileInput.contents(of: names, limit: 1 << 16), as: UTF8.self)
        .split(whereSeparator: \.isNewline).map { CellText.trimmed(String($0)) }.filter {
          !$0.isEmpty
        }
      guard lines.count == records.classCount else {
        throw FileError(
          path: names, kind: .mismatch,
          reason:
            "has \(lines.count) names, and \(records.rawValue) has \(records.classCount) classes")
      }
      classes = try ClassNames(recorded: lines)
    } else {
      options.classCount = records.classCount
    }
    try self.init(images, .classes(labels, classes), labelName: files[0], options)
  }

  /// Files that are read through what training learned, whatever they are.
  ///
  /// - Parameters:
  ///   - labels: the files of the labels; nil where there are none, or where inputs bring theirs.
  ///   - isTargetOptional: whether examples may lack a label.
  package init(
    _ paths: [String], labels: [String]?, as description: DataDescription, isTargetOptional: Bool,
    storage: ArrayOptions.Storage = .automatic
  ) throws {
    let path = paths[0]
    let array = try Self.array(of: description, path: path)
    if try Self.holdsImages(path) {
      guard labels == nil else {
        throw FileError(
          path: path, kind: .mismatch,
          reason:
            "holds images, whose labels are the names of their folders; leave the labels' file out")
      }
      try self.init(
        images: path, as: description, needsLabels: !isTargetOptional, storage: storage)
    } else if let records = array.layout.records, labels == nil {
      let (images, labels) = try records.open(paths)
      try Self.check(images, against: array)
      try self.init(
        images, .classes(labels, nil), labelName: path, .of(description, array, storage))
    } else {
      guard labels != nil || isTargetOptional else {
        throw FileError(
          path: path, kind: .mismatch,
          reason: "is an array, and its labels are missing; name their file")
      }
      let inputs = try ArrayFile.open(paths, plain: array.layout.isHeaderless ? array.plain : nil)
      try self.init(
        inputs, labels: labels.map { paths throws(FileError) in try ArrayFile.open(paths) },
        as: description, storage: storage)
    }
  }
}

extension ArrayDescription {
  /// What a file without a header holds.
  fileprivate var plain: (shape: [Int], element: ArrayElement) {
    (layout.isChannelsLast ? [shape[1], shape[2], shape[0]] : shape, element)
  }
}

/// What a run was trained on, where files of arrays and IDX files of the package's own are read.
extension ArrayContent {
  /// Joins the arrays of IDX files that a run is to be trained on.
  package init(
    _ inputs: IDXFile, labels: IDXFile, name: String? = nil, _ options: ArrayOptions
  ) throws(FileError) {
    try self.init(StoredArray(inputs), labels: StoredArray(labels), name: name, options)
  }

  /// Joins other IDX files, which must be of the shapes and kinds that training had.
  package init(
    _ inputs: IDXFile, labels: IDXFile?, name: String? = nil, as description: DataDescription
  ) throws(FileError) {
    try self.init(
      StoredArray(inputs), labels: labels.map { StoredArray($0) }, name: name, as: description)
  }
}
