package mesh

// AnnotationPodFolder is put on reported pods by a cluster whose control plane
// shares a machine with them: the folder of the pod's sockets.
const AnnotationPodFolder = "heddle.dev/pod-folder"
