import LockstepCatalog
import LockstepEngine
import LockstepFiles
import LockstepFold
import LockstepOptimization

extension ShardClip {
  static let entry = Entry<ShardClip>(
    "perShard",
    "each shard's mean gradient to a norm, before shards are added up; stands before the clips of their sum "
      + "([update-rules.md](update-rules.md#one-shard-at-a-time))",
    [.required("norm", .positive, "C: the norm that a shard's gradient has at most")]
  ) { ShardClip(norm: $0["norm"]) }
}

/// The clips that act before gradients are added up, apart from the chain's.
struct InnerClips {
  /// What a clip of a configuration may be: the chain's, or one that acts before the chain.
  static let form: Form = {
    var form = ClipCatalog.catalog.form
    form.variants += [ExampleClip.entry.variant, ShardClip.entry.variant]
    return form
  }()

  /// The limit of each example's gradient.
  private(set) var example: ExampleClip?
  /// The limit of each shard's gradient.
  private(set) var shard: ShardClip?
  /// The clips of the sum, in order.
  private(set) var others: [Hyperparameters] = []

  /// - Parameter clips: all of a configuration.
  init(_ clips: [Hyperparameters]) throws(ConfigurationError) {
    for clip in clips {
      switch clip.name {
      case ExampleClip.entry.name:
        guard example == nil, shard == nil, others.isEmpty else {
          throw clip.error(
            "type",
            "is perExample, which acts on single examples before their gradients are added up: give it once, as "
              + "the first clip")
        }
        example = ExampleClip(norm: clip["norm"])
      case ShardClip.entry.name:
        guard shard == nil, others.isEmpty else {
          throw clip.error(
            "type",
            "is perShard, which acts on single shards before their gradients are added up: give it once, before "
              + "the clips of the sum")
        }
        shard = ShardClip(norm: clip["norm"])
      default: others.append(clip)
      }
    }
  }
}
